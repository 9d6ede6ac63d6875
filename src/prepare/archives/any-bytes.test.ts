import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'vitest';
import { tar } from '../../../test/archives/tar-builder.js';
import { archive } from '../../../test/fuzz/archive-target.js';
import { mutated, pick } from '../../../test/fuzz/mutate.js';
import { repaired } from '../../../test/fuzz/repair.js';
import { repository } from '../../../test/prestage.js';
import { seeded } from '../../../test/random.js';

/**
 * Whatever the bytes: a tree that is as it says, or a refusal in words; nothing outside, no end without an answer. These
 * are the same for every run; `npm run test:endurance` looks for others, guided by what they reach.
 */
const seeds = archive.seeds(repository);
const RUNS = 25;

const answer = (input: Buffer) => archive.run(input, seeded(crc32(input)));

test.each(Object.entries(seeds))('a %s that was changed anywhere', async (_, seed) => {
  await answer(seed);
  const random = seeded(crc32(seed));
  for (let run = 0; run < RUNS; run += 1) {
    const changed = mutated(seed, pick(random, Object.values(seeds)), archive.dictionary, random);
    await answer(random() < 0.5 ? repaired(changed) : changed);
  }
});

test('a tar with valid checksums and any header fields', async () => {
  const field = fc.string({ unit: 'binary', maxLength: 30 });
  const item = fc.record({
    name: fc.oneof(field, fc.constantFrom('a', 'a/b', 'a/b/c', './', '..', 'l/x')),
    type: fc.constantFrom('0', '1', '2', '5', 'x', 'g', 'L', 'K', 'V', '\0', '7', '3', 'S', '?'),
    link: fc.oneof(field, fc.constantFrom('a', '..', '../b', 'l')),
    content: fc.string({ maxLength: 700 }),
    prefix: fc.constantFrom('', 'p', '../x'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 6 }), async (list) => {
      await answer(tar(...list.map((one) => ({ ...one, ...(/[125]/.test(one.type) ? { content: '' } : {}) }))));
    }),
    { numRuns: RUNS },
  );
});

test('bytes that are nothing at all', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 2000 }),
      fc.constantFrom(
        ...['', 'PK\x03\x04', '\x1f\x8b\x08\0', '\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46', '\x28\xb5\x2f\xfd', 'P*M\x18'],
        ...[
          'BZh91AY&SY',
          '!<arch>\n',
          '!<arch>\ndebian-binary',
          '070701',
          '070707',
          '\xed\xab\xee\xdb',
          '7z\xbc\xaf\x27\x1c',
        ],
      ),
      async (bytes, magic) => {
        await answer(Buffer.concat([Buffer.from(magic, 'latin1'), bytes]));
      },
    ),
    { numRuns: 100 },
  );
});
