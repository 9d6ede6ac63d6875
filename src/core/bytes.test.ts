import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBytes } from './bytes.js';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [9.9 * 1024, '9.9 KiB'],
  [48 * 1024 ** 2, '48 MiB'],
  [1023.4 * 1024 ** 2, '1023 MiB'],
  [1023.6 * 1024 ** 2, '1.0 GiB'],
  [1_700_000_000, '1.6 GiB'],
  [3200 * 1024 ** 4, '3200 TiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test('a size takes eight columns at most', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 9e14, noNaN: true }), (value) => formatBytes(value).length <= 8));
});
