import { expect, test } from 'vitest';
import { nearest } from './nearest.js';

const keys = ['source', 'integrity', 'extract', 'destination', 'steps'];

test.each([
  ['sorce', 'source'],
  ['ecxtract', 'extract'],
  ['Steps', 'steps'],
  ['dest', undefined],
  ['destinaton', 'destination'],
  ['step', 'steps'],
  ['zzz', undefined],
])('%s was meant to be %s', (name, expected) => {
  expect(nearest(name, keys)).toBe(expected);
});
