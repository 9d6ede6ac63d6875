import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { asOneError, asPrestageError, errnoOf, PrestageError } from './errors.js';

test.each(['EDQUOT', 'ESTALE'] as const)('%s has its name, though libuv has none for it', (name) => {
  const errno = -constants.errno[name];
  const failed = (code: string) => Object.assign(new Error(code), { code, errno, syscall: 'write' });
  expect(errnoOf(failed(`Unknown system error ${errno}`))).toBe(name); // from a callback
  expect(errnoOf(failed('UNKNOWN'))).toBe(name); // from a call that waits
});

test('a symbolic link that is refused says what Windows and other file systems need for one', () => {
  const refused = { code: 'EPERM', errno: -1, syscall: 'symlink', path: 'a' };
  expect(asPrestageError(Object.assign(new Error('EPERM'), refused))).toMatchObject({
    code: 'STORE_UNWRITABLE',
    message: 'A symbolic link cannot be made at a (EPERM from symlink).',
    hint: expect.stringContaining('Developer Mode'),
  });
});

test('several errors are one, with the code of the first, and stay themselves when they are written down and read', () => {
  const first = new PrestageError('PATCH_FAILED', 'One.\n  a hunk', {
    hint: 'Do.',
    context: { package: 'a', step: 2 },
  });
  const second = new PrestageError('STEP_COUNT', 'Two of https://user:secret@host/x.', { context: { package: 'b' } });
  const all = asOneError([first, second], { hint: 'Correct them.' });
  expect(asOneError([first], { hint: 'Correct it.' })).toBe(first);
  expect(all.message).toBe('2 errors:\n- One.\n- Two of https://***@host/x.');
  const read = PrestageError.deserialize(JSON.parse(JSON.stringify(all.serialize())));
  expect(read.within({ host: 'jump-0' })).toMatchObject({
    code: 'PATCH_FAILED',
    exitStatus: 1,
    errors: [
      { code: 'PATCH_FAILED', hint: 'Do.', context: { package: 'a', step: 2, host: 'jump-0' } },
      { code: 'STEP_COUNT', message: 'Two of https://***@host/x.', context: { package: 'b' } },
    ],
  });
});
