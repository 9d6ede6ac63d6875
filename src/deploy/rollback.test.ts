import { describe, expect, test } from 'vitest';
import { releaseBefore } from './rollback.js';

const history = (releases: string) => [...releases].map((release) => ({ release }));

describe('the release to go back to', () => {
  test.each([
    ['AB', 'B', 'A', 'the one before'],
    ['ABC', 'C', 'B', 'the one before, of three'],
    ['ABCB', 'B', 'A', 'a second rollback goes one further back, not to and fro'],
    ['ABAD', 'D', 'A', 'not one that was itself rolled back'],
    ['ABB', 'B', 'A', 'deploying the same release again does not count'],
    ['AB', undefined, 'B', 'the last one, where nothing is deployed any more'],
  ])('of %s, with %s current, is %s-> %s', (deployed, current, expected, _why) => {
    expect(releaseBefore(current, history(deployed))).toBe(expected);
  });

  test('is one that is still in the store', () => {
    expect(releaseBefore('D', history('ABCD'), new Set(['A', 'D']))).toBe('A');
  });

  test('does not exist where prune removed all of them, and the error says so', () => {
    expect(() => releaseBefore('C', history('ABC'), new Set(['C']))).toThrow(
      expect.objectContaining({
        code: 'NOTHING_DEPLOYED',
        message: 'Release B, which was deployed before, was removed by prune.',
      }),
    );
  });

  test.each([
    ['A', 'A'],
    ['', undefined],
    ['ABA', 'A'],
  ])('of %s, with %s current, does not exist, and the error says so', (deployed, current) => {
    expect(() => releaseBefore(current, history(deployed))).toThrow(/no earlier deployment/);
  });
});
