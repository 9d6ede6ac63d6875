import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tar } from '../../../../test/archives/tar-builder.js';
import { entriesOf, type Place, place, unpack } from '../../../../test/archives/unpacked.js';
import { lacks } from '../../../../test/requirements.js';
import { measureArchive, recogniseStart } from '../index.js';

/** Archives compressed by the real programs, whole, joined, cut off and damaged. */

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => where.remove());

function again(): void {
  where.remove();
  where = place();
}

const text = 'some text that compresses, and more of it, '.repeat(25_000);
const archive = tar(
  { name: 'a/text', content: text },
  { name: 'a/noise', content: randomBytes(400_000) },
  { name: 'a/zeros', content: Buffer.alloc(1_000_000) },
  { name: 'run', content: '#!/bin/sh\n', mode: 0o755 },
);
const small = tar({ name: 'a', content: 'a' });

function compressed(command: string, content: Buffer, ...options: string[]): Buffer {
  return execFileSync(command, ['-c', ...options], { input: content, maxBuffer: 1e9 });
}

const programs = [
  ['xz', 'tar.xz', ['-0', '-6', '--check=crc32', '--check=sha256', '--check=none', '--block-size=100000']],
  ['zstd', 'tar.zst', ['-1', '-19', '--no-check', '--long=27']],
  ['bzip2', 'tar.bz2', ['-1', '-9']],
  ['lzip', 'tar.lz', ['-0', '-6', '--member-size=100000']],
  ['lz4', 'tar.lz4', ['-1', '-BD', '-BX', '--content-size', '-B4']],
] as const;

describe.each(programs)('a tar compressed by %s', (program, format, options) => {
  describe.skipIf(lacks(program))('as the program writes it', () => {
    test.each(options)('with %s unpacks to what is in the tar, however it comes', async (option) => {
      const expected = entriesOf(await unpack(where, archive));
      const bytes = compressed(program, archive, option);
      for (const chunkBytes of [undefined, 1000, 65_537]) {
        again();
        const tree = await unpack(where, bytes, chunkBytes === undefined ? {} : { chunkBytes });
        expect(entriesOf(tree)).toEqual(expected);
      }
    });

    test('is recognised by its content, and is a file where no archive is in it', async () => {
      expect(await recogniseStart(compressed(program, small), 'x')).toBe(format);
      expect(await recogniseStart(compressed(program, Buffer.from(text)), 'x')).toBeUndefined();
      expect(await recogniseStart(compressed(program, Buffer.alloc(0)), 'x')).toBeUndefined();
      const noise = tar({ name: 'n', content: randomBytes(2_000_000) });
      expect(await recogniseStart(compressed(program, noise, '-1').subarray(0, 1024 * 1024), 'x')).toBe(format);
    });

    test('in several pieces that were joined is read through all of them', async () => {
      const parts = [archive.subarray(0, 1000), archive.subarray(1000, 1000), archive.subarray(1000, 2_000_000)];
      const joined = [...parts, archive.subarray(2_000_000)].map((part) => compressed(program, part));
      const expected = entriesOf(await unpack(where, archive));
      again();
      expect(entriesOf(await unpack(where, Buffer.concat(joined), { chunkBytes: 4096 }))).toEqual(expected);
      again();
      expect(entriesOf(await unpack(where, Buffer.concat(joined)))).toEqual(expected);
    });

    test('is refused wherever it is cut off', async () => {
      const bytes = compressed(program, small);
      for (let length = 18; length < bytes.length; length += 11) {
        const cut = unpack(where, bytes.subarray(0, length), { chunkBytes: 7 });
        await expect(cut).rejects.toMatchObject({ code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSUPPORTED)$/) });
        again();
      }
      const large = compressed(program, archive);
      await expect(unpack(where, large.subarray(0, -5))).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringContaining(`cut off`),
        context: { offset: expect.any(Number) },
      });
    });

    test('is refused where anything but an archive follows it, or one of its checksums is wrong', async () => {
      const bytes = compressed(program, small);
      const invalid = { code: 'ARCHIVE_INVALID', context: { offset: expect.any(Number) } };
      await expect(unpack(where, Buffer.concat([bytes, Buffer.from('more')]))).rejects.toMatchObject(invalid);
      again();
      await expect(unpack(where, Buffer.concat([bytes, randomBytes(100_000)]))).rejects.toMatchObject(invalid);
      again();
      // A whole archive more is more after the tar's own end.
      await expect(unpack(where, Buffer.concat([bytes, bytes]))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      again();
      // In the last byte of bzip2 there may be bits that nothing uses.
      for (let at = bytes.length - 12; at < bytes.length - 1; at += 3) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        await expect(unpack(where, damaged, { chunkBytes: 50 })).rejects.toMatchObject({
          code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSUPPORTED)$/),
        });
        again();
      }
    });

    test('is held to the limits while it is decompressed', async () => {
      const bomb = compressed(program, tar({ name: 'zeros', content: Buffer.alloc(110_000_000) }), '-1');
      const refused = unpack(where, bomb, { limits: { ratio: 100 } });
      await expect(refused).rejects.toMatchObject({ code: 'ARCHIVE_LIMIT' });
    });
  });
});

describe.skipIf(lacks('compress', 'lz4'))('what is older', () => {
  test.each([
    ['compress', 'compress', []],
    ['compress with short codes', 'compress', ['-b', '10']],
    ["lz4's format of before", 'lz4', ['-l']],
  ])('%s unpacks to what is in the tar, however it comes', async (_, program, options) => {
    const expected = entriesOf(await unpack(where, archive));
    const bytes = compressed(program, archive, ...options);
    for (const chunkBytes of [undefined, 1000]) {
      again();
      expect(entriesOf(await unpack(where, bytes, chunkBytes === undefined ? {} : { chunkBytes }))).toEqual(expected);
    }
    again();
    await expect(unpack(where, bytes.subarray(0, -700))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});

describe.skipIf(lacks('xz'))('xz', () => {
  test('may have padding between and after its streams, in words of four bytes', async () => {
    const [one, two] = [small.subarray(0, 700), small.subarray(700)].map((part) => compressed('xz', part));
    const padded = (last: number) =>
      Buffer.concat([one ?? Buffer.alloc(0), Buffer.alloc(8), two ?? Buffer.alloc(0), Buffer.alloc(last)]);
    expect(Object.keys(entriesOf(await unpack(where, padded(4))))).toEqual(['a']);
    await expect(unpack(where, padded(3))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test.each(['crc32', 'crc64', 'sha256', 'none'])(
    'with filters and the check %s unpacks to what is in the tar',
    async (check) => {
      const expected = entriesOf(await unpack(where, archive));
      for (const filters of [['--x86'], ['--arm64'], ['--delta=dist=3', '--powerpc=start=4096', '--armthumb']]) {
        again();
        const bytes = compressed('xz', archive, ...filters, '--lzma2=preset=0', `--check=${check}`);
        expect(entriesOf(await unpack(where, bytes, { chunkBytes: 5000 }))).toEqual(expected);
        if (check === 'none') continue;
        again();
        const damaged = compressed('xz', small, ...filters, '--lzma2=preset=0', `--check=${check}`);
        damaged[damaged.length - 30] = (damaged[damaged.length - 30] ?? 0) ^ 1; // before the footer and the index
        await expect(unpack(where, damaged)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      }
    },
  );

  test('as the format that came before it, lzma, unpacks to what is in the tar', async () => {
    const expected = entriesOf(await unpack(where, archive));
    again();
    const bytes = compressed('xz', archive, '--format=lzma');
    expect(entriesOf(await unpack(where, bytes))).toEqual(expected);
    again();
    await expect(unpack(where, bytes.subarray(0, -5))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test.each([['a dictionary of more than 64 MiB', ['--lzma2=preset=0,dict=128MiB']]])(
    'with %s is refused in words',
    async (_, options) => {
      const bytes = compressed('xz', small, ...options);
      await expect(unpack(where, bytes)).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED' });
      await expect(recogniseStart(bytes, 'x')).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED' });
    },
  );

  test.each(['crc64', 'sha256'])('with the check %s is refused with any byte changed', async (check) => {
    const bytes = compressed('xz', small, `--check=${check}`, '--block-size=700');
    for (let at = 0; at < bytes.length; at += 3) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x04;
      await expect(unpack(where, damaged)).rejects.toMatchObject({
        code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSUPPORTED)$/),
      });
      again();
    }
  });

  test('may be of streams with different checks', async () => {
    const checks = ['sha256', 'crc64', 'none', 'crc32', 'sha256'];
    const parts = checks.map((check, i) =>
      compressed('xz', archive.subarray(i * 500_000, i === 4 ? undefined : (i + 1) * 500_000), `--check=${check}`),
    );
    const expected = entriesOf(await unpack(where, archive));
    again();
    expect(entriesOf(await unpack(where, Buffer.concat(parts), { chunkBytes: 10_000 }))).toEqual(expected);
  });

  test('is refused with a wrong SHA-256 of the second block, in words', async () => {
    const bytes = compressed('xz', small, '--check=sha256', '--block-size=1024');
    const at = bytes.length - 12 - 12 - 1; // before the footer and an index of two records
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await expect(unpack(where, damaged)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('SHA-256'),
    });
  });

  test('is measured by its indexes', async () => {
    const [one, two] = [archive.subarray(0, 700), archive.subarray(700)].map((part) => compressed('xz', part));
    const joined = Buffer.concat([one ?? Buffer.alloc(0), Buffer.alloc(4), two ?? Buffer.alloc(0), Buffer.alloc(12)]);
    const file = where.write('a.xz', joined);
    const expected = { format: 'tar.xz', files: undefined, bytes: archive.length, exact: false };
    expect(await measureArchive({ file })).toEqual(expected);
    const blocks = where.write('b.xz', compressed('xz', archive, '--block-size=70000'));
    expect(await measureArchive({ file: blocks })).toEqual(expected);
    expect(await measureArchive({ file: where.write('c.xz', joined.subarray(0, -17)) })).toBeUndefined();
  });
});

describe.skipIf(lacks('zstd'))('zstd', () => {
  const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

  test('may have skippable frames anywhere', async () => {
    const frames = [small.subarray(0, 700), small.subarray(700)].flatMap((part) => [
      skippable,
      compressed('zstd', part),
    ]);
    const bytes = Buffer.concat([...frames, skippable]);
    expect(Object.keys(entriesOf(await unpack(where, bytes)))).toEqual(['a']);
    await expect(unpack(where, bytes.subarray(0, -1))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  test('with a window of more than 128 MiB is refused in words', async () => {
    const bytes = compressed('zstd', small, '--ultra', '--long=31');
    const descriptor = Buffer.from(bytes);
    // Not of a single segment, and with a window of 2 GiB.
    const wide = Buffer.concat([descriptor.subarray(0, 4), Buffer.from([0x04, 0xa8]), descriptor.subarray(6)]);
    await expect(unpack(where, wide)).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED' });
  });

  test('is measured by what its first frame says', async () => {
    where.write('plain.tar', archive);
    execFileSync('zstd', ['-q', 'plain.tar'], { cwd: where.folder });
    const file = `${where.folder}/plain.tar.zst`;
    const expected = { format: 'tar.zst', files: undefined, bytes: archive.length, exact: false };
    expect(await measureArchive({ file })).toEqual(expected);
    const unsized = where.write('b.zst', compressed('zstd', archive));
    expect(await measureArchive({ file: unsized })).toBeUndefined();
  });
});
