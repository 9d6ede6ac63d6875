import { expect, test } from 'vitest';
import { differenceOf } from './desired.js';
import type { HostSpec } from './spec.js';

const host = (ingredients: Record<string, string>): HostSpec => ({
  format: 1,
  host: 'api-0',
  service: 'api',
  index: 0,
  address: '127.0.0.1',
  release: 'r',
  root: '/root',
  environment: {},
  ingredients,
});
const named = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`variable V${i}`, value]));

test.each([
  [0, undefined],
  [1, 'variable V0 changed'],
  [5, 'variable V0, variable V1, variable V2, variable V3 and variable V4 changed'],
  [9, /^variable V0, .*, variable V6 and more changed$/],
])('what makes two hosts differ is named: %i things', (count, words) => {
  const found = differenceOf(host(named(count, 'a')), host(named(count, 'b')));
  if (words instanceof RegExp) expect(found).toMatch(words);
  else expect(found).toBe(words);
});
