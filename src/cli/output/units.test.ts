import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatPercent } from './units.js';

describe('units', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9949, '9.9 kB'],
    [48_000_000, '48 MB'],
    [999_499_999, '999 MB'],
    [999_600_000, '1.0 GB'],
    [1_700_000_000, '1.7 GB'],
    [3.2e15, '3200 TB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

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

  test('sizes and durations never take more than ten columns', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 9e14, noNaN: true }), (value) => formatBytes(value).length <= 8));
    fc.assert(fc.property(fc.integer({ min: 0, max: 99 * 3_600_000 }), (value) => formatDuration(value).length <= 11));
  });
});
