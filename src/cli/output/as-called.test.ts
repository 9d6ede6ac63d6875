import { expect, test } from 'vitest';
import { asCalled } from './as-called.js';

const commandLine = (rest: string) => `npx prestage ${rest} --env dev`;

test('a command in a hint is named with the flags of whoever reads it', () => {
  expect(asCalled('Free some: `prestage prune --keep 1` or `prestage destroy`.', commandLine)).toBe(
    'Free some: `npx prestage prune --keep 1 --env dev` or `npx prestage destroy --env dev`.',
  );
});

test.each(['`prestage init portal` makes one', '`prestage.lock`', 'prestage deploy', '`df` and `du`'])(
  'leaves %s as it is',
  (text) => {
    expect(asCalled(text, commandLine)).toBe(text);
  },
);
