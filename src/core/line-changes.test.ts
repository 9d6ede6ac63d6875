import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineChanges } from './line-changes.js';

/** By the table of all common subsequences: slow, and plainly right. */
function fewest(before: readonly string[], after: readonly string[]): number {
  const table = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  const at = (i: number, j: number) => table[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      (table[i] ?? [])[j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  return before.length + after.length - 2 * at(0, 0);
}

test('what is left of both texts is the same, and nothing less can be removed and added', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 25 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const { removed, added } = lineChanges(before, after);
      const rest = (lines: string[], without: Set<number>) => lines.filter((_, i) => !without.has(i));
      expect(rest(before, removed)).toEqual(rest(after, added));
      expect(removed.size + added.size).toBe(fewest(before, after));
    }),
  );
});

test('two long texts of which nothing is the same are told apart in a moment', () => {
  const lines = (mark: string) => Array.from({ length: 20_000 }, (_, i) => `${mark}${i}`);
  const started = performance.now();
  const { removed, added } = lineChanges(lines('a'), lines('b'));
  expect(performance.now() - started).toBeLessThan(1000);
  expect([removed.size, added.size]).toEqual([20_000, 20_000]);
});
