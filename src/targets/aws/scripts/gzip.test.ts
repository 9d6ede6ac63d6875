import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from '../../../core/digest.js';
import common from './common.sh?raw';
import { gzip } from './gzip.js';

test('what it packs is unpacked by others, whatever it is', () => {
  const repeated = fc.tuple(fc.string({ unit: 'binary' }), fc.nat(400)).map(([text, times]) => text.repeat(times));
  const texts = fc
    .array(fc.oneof(fc.string({ unit: 'binary' }), repeated), { maxLength: 5 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(texts, (text) => {
      expect(gunzipSync(gzip(text)).equals(Buffer.from(text))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('it refers back as far as it may, and no farther', () => {
  const filler = Array.from({ length: 16 * 1024 }, (_, i) => String.fromCharCode(i)).join('');
  for (const gap of [32 * 1024 - 10, 32 * 1024 - 9, 32 * 1024]) {
    const between = Buffer.from(filler).toString('latin1').slice(0, gap);
    const text = `to be found again${between}to be found again`;
    expect(gunzipSync(gzip(text)).toString()).toBe(text);
  }
});

test('a script is not much larger than by zlib, and the same everywhere', () => {
  expect(gzip(common).length).toBeLessThan(gzipSync(common).length * 1.25);
  expect(sha256(gzip('a host, a host, and another host'))).toMatchInlineSnapshot(
    `"d7b0d922fc236270f33582209896fc73bf968bd591e751fe1e2b3623673cb164"`,
  );
});
