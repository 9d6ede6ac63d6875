import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pax, tar, tarEntry } from '../../../test/archives/tar-builder.js';
import { entriesOf, listing, place, unpack } from '../../../test/archives/unpacked.js';
import { DESCRIPTOR, descriptor, UTF8, zip } from '../../../test/archives/zip-builder.js';
import { PrestageError } from '../../core/errors.js';

/** Whatever the bytes: a tree that is as it says, or a refusal in words; nothing outside, no end without an answer. */

const SEEDS = new URL('../../../test/archives/seeds/', import.meta.url);
const text = 'some text that compresses, '.repeat(60);
const items = [
  { name: 'conf/app.properties', content: text },
  { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o755, unixMode: 0o100755 },
  { name: 'empty', content: '' },
];
const withDescriptor = { name: 'd', content: text, method: 8, flags: UTF8 | DESCRIPTOR };
const seeds = {
  tar: tar(
    ...items,
    tarEntry({ name: 'l', type: '2', link: 'bin/run' }),
    tarEntry({ name: 'h', type: '1', link: 'empty' }),
    pax({ path: 'größe' }),
    tarEntry({ name: 'x', content: 'x' }),
  ),
  'tar.gz': gzipSync(tar(...items)),
  zip: zip(
    [
      ...items.map((item) => ({ ...item, method: 8 })),
      { ...withDescriptor, descriptor: descriptor(withDescriptor) },
      { name: 'l', content: 'd', unixMode: 0o120777 },
    ],
    { comment: 'c' },
  ),
  zip64: zip(items, { zip64: true, prefix: Buffer.from('#!/bin/sh\n') }),
};

/** By xz, zstd and bzip2, of the tar above; a cpio, an ar, a deb and an rpm by their programs. */
const madeByPrograms = Object.fromEntries(readdirSync(SEEDS).map((name) => [name, readFileSync(new URL(name, SEEDS))]));

const LIMITS = { size: 4 * 1024 ** 2, ratio: 50 };

async function answer(archive: Buffer, chunkBytes?: number): Promise<void> {
  const where = place();
  try {
    const tree = await unpack(where, archive, { limits: LIMITS, ...(chunkBytes === undefined ? {} : { chunkBytes }) });
    expect(listing(where.tree)).toEqual(entriesOf(tree));
  } catch (error) {
    if (!(error instanceof PrestageError)) throw error;
    expect(error.code).toMatch(/^(ARCHIVE_|STEP_FILE_MISSING)/);
  } finally {
    expect(where.outside()).toEqual(['victim', 'untouched']);
    where.remove();
  }
}

/** Changes to bytes as damage and attackers make them: other values, cuts, repeats, numbers at their extremes. */
const change = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('set', 'cut', 'insert', 'copy', 'extreme', 'digit'),
  value: fc.nat({ max: 255 }),
  length: fc.integer({ min: 1, max: 600 }),
});

function apply(
  archive: Buffer,
  { at, kind, value, length }: { at: number; kind: string; value: number; length: number },
): Buffer {
  const place = archive.length === 0 ? 0 : at % archive.length;
  const before = archive.subarray(0, place);
  const after = archive.subarray(place);
  switch (kind) {
    case 'cut':
      return Buffer.concat([before, after.subarray(length)]);
    case 'insert':
      return Buffer.concat([before, Buffer.alloc(length, value), after]);
    case 'copy':
      return Buffer.concat([before, after.subarray(0, length), after]);
    default: {
      const bytes =
        kind === 'extreme'
          ? Buffer.alloc(4, value < 128 ? 0xff : 0)
          : Buffer.from([kind === 'digit' ? 0x30 + (value % 8) : value]);
      return Buffer.concat([before, bytes, after.subarray(bytes.length)]);
    }
  }
}

test.each(Object.entries({ ...seeds, ...madeByPrograms }))('a %s that was changed anywhere', async (format, seed) => {
  await answer(seed);
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), async (list, asStream) => {
      const archive = list.reduce(apply, seed);
      await answer(archive, asStream && !format.startsWith('zip') ? 700 : undefined);
    }),
    { numRuns: Number(process.env.PRESTAGE_FUZZ_RUNS ?? 60) },
  );
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
    { numRuns: Number(process.env.PRESTAGE_FUZZ_RUNS ?? 60) },
  );
});

test('bytes that are nothing at all', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 2000 }),
      fc.constantFrom(
        ...['', 'PK\x03\x04', '\x1f\x8b\x08\0', '\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46', '\x28\xb5\x2f\xfd', 'P*M\x18'],
        ...['BZh91AY&SY', '!<arch>\n', '!<arch>\ndebian-binary', '070701', '070707', '\xed\xab\xee\xdb'],
      ),
      async (bytes, magic) => {
        await answer(Buffer.concat([Buffer.from(magic, 'latin1'), bytes]));
      },
    ),
    { numRuns: 100 },
  );
});
