import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { asPrestageError, errnoOf } from './errors.js';

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
