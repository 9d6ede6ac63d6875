import { expect, test } from 'vitest';
import { unseenOf } from './logs.js';

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');

test('of a log that has grown, what is new is told', () => {
  expect(unseenOf('', lines(0, 3))).toBe(lines(0, 3));
  expect(unseenOf(lines(0, 3), lines(0, 3))).toBe('');
  expect(unseenOf(lines(0, 3), lines(0, 5))).toBe(lines(3, 5));
});

test('of a log that begins later than it did, nothing is told twice or left out', () => {
  expect(unseenOf(lines(0, 1000), lines(500, 1200))).toBe(lines(1000, 1200));
  expect(unseenOf(lines(0, 1000), lines(2000, 2010))).toBe(lines(2000, 2010));
});
