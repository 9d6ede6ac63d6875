import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCount, formatDuration, formatPercent } from './units.js';

describe('units', () => {
  test.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [9940, '9.9 s'],
    [9960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [7_620_000, '2 h 07 min'],
  ])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  test.each([
    [0, 10, '0%'],
    [999, 1000, '99%'],
    [1000, 1000, '100%'],
    [1001, 1000, '100%'],
    [0, 0, '100%'],
  ])('%d of %d is %s', (part, whole, text) => expect(formatPercent(part, whole)).toBe(text));

  test('counts have a plural and thousands', () => {
    expect([formatCount(1, 'file'), formatCount(1204, 'file'), formatCount(2, 'entry', 'entries')]).toEqual([
      '1 file',
      '1,204 files',
      '2 entries',
    ]);
    const counts = [0, 999, 1000, 12_345, 1_234_567].map((count) => formatCount(count, 'file'));
    expect(counts).toEqual(['0 files', '999 files', '1,000 files', '12,345 files', '1,234,567 files']);
  });

  test('a duration takes eleven columns at most', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 99 * 3_600_000 }), (value) => formatDuration(value).length <= 11));
  });
});
