import { expect, test, vi } from 'vitest';
import { asPrestageError } from './errors.js';
import { whileHeld, whileHeldAtOnce } from './held-files.js';

function systemError(code: string) {
  return Object.assign(new Error(code), { code, errno: -1, syscall: 'rename', path: 'C:\\store\\trees\\app' });
}

/** Fails so often, then succeeds. */
function failing(times: number, code: string) {
  return vi.fn(() => {
    if (times-- > 0) throw systemError(code);
    return 'done';
  });
}

test.each(['EBUSY', 'EPERM', 'EACCES'])(
  'what Windows refuses with %s is tried again until it is carried out',
  async (code) => {
    const later = failing(3, code);
    expect(await whileHeld(async () => later(), { platform: 'win32' })).toBe('done');
    expect(later).toHaveBeenCalledTimes(4);
    const atOnce = failing(3, code);
    expect(whileHeldAtOnce(atOnce, { platform: 'win32' })).toBe('done');
    expect(atOnce).toHaveBeenCalledTimes(4);
  },
);

test.each([
  ['another error', 'ENOENT', 'win32'],
  ['another system', 'EBUSY', 'linux'],
] as const)('nothing is tried again on %s', async (_, code, platform) => {
  const call = failing(1, code);
  await expect(whileHeld(async () => call(), { platform })).rejects.toThrow(code);
  expect(() => whileHeldAtOnce(failing(1, code), { platform })).toThrow(code);
  expect(call).toHaveBeenCalledTimes(1);
});

test('what stays refused is an error that says for how long, and what to close', async () => {
  const call = failing(Number.POSITIVE_INFINITY, 'EBUSY');
  const error = await whileHeld(async () => call(), { platform: 'win32', patienceMs: 60 }).catch((cause) => cause);
  expect(call.mock.calls.length).toBeGreaterThan(2);
  expect(asPrestageError(error)).toMatchObject({
    code: 'STORE_UNWRITABLE',
    message: 'Windows still refuses what was tried at C:\\store\\trees\\app, after 0 seconds (EBUSY from rename).',
    hint: expect.stringContaining('Another program has it open'),
    context: { path: 'C:\\store\\trees\\app', errno: 'EBUSY' },
  });
  expect(() => whileHeldAtOnce(call, { platform: 'win32', patienceMs: 60 })).toThrow('EBUSY');
});
