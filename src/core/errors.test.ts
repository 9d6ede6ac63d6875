import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { errnoOf } from './errors.js';

test.each(['EDQUOT', 'ESTALE'] as const)('%s has its name, though libuv has none for it', (name) => {
  const errno = -constants.errno[name];
  const failed = (code: string) => Object.assign(new Error(code), { code, errno, syscall: 'write' });
  expect(errnoOf(failed(`Unknown system error ${errno}`))).toBe(name); // from a callback
  expect(errnoOf(failed('UNKNOWN'))).toBe(name); // from a call that waits
});
