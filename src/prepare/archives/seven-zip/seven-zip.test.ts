import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SevenZipItem, sevenZip, withHeader } from '../../../../test/archives/seven-zip-builder.js';
import { entriesOf, listing, type Place, place, unpack } from '../../../../test/archives/unpacked.js';
import { lacks } from '../../../../test/requirements.js';
import { PrestageError } from '../../../core/errors.js';
import { measureArchive } from '../index.js';

/** 7z by its program, compared with what was packed; and such as no program would write. */

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => {
  expect(where.outside()).toEqual(['victim', 'untouched']);
  where.remove();
});

function again(): void {
  where.remove();
  where = place();
}

function makeProduct(): string {
  const product = join(where.folder, 'product');
  mkdirSync(join(product, 'bin'), { recursive: true });
  mkdirSync(join(product, 'empty'));
  writeFileSync(join(product, 'bin/run'), '#!/bin/sh\necho run\n', { mode: 0o755 });
  writeFileSync(join(product, 'größe-日本.txt'), 'umlaut');
  writeFileSync(join(product, 'none'), '');
  writeFileSync(join(product, 'noise'), randomBytes(1_300_000));
  writeFileSync(join(product, 'big'), Buffer.alloc(3_500_000, 'abcdefghij'));
  for (let i = 0; i < 60; i += 1) writeFileSync(join(product, `bin/f${i}`), 'line\n'.repeat(i * 7));
  symlinkSync('../none', join(product, 'bin/link'));
  return product;
}

function pack(...options: string[]): Buffer {
  rmSync(join(where.folder, 'a.7z'), { force: true });
  execFileSync('7zz', ['a', '-snl', '-bd', ...options, '../a.7z', '.'], {
    cwd: join(where.folder, 'product'),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return readFileSync(join(where.folder, 'a.7z'));
}

describe.skipIf(lacks('sevenZip'))('a 7z by 7-Zip', () => {
  test.each([
    ['as it does by itself', []],
    ['with LZMA', ['-m0=lzma', '-mf=off']],
    ['with LZMA of other properties', ['-m0=lzma:lc=0:lp=2:pb=0:d=64k', '-mf=off']],
    ['with LZMA2 in small blocks', ['-m0=lzma2:d=1m:c=1m', '-mf=off']],
    ['with a dictionary that is larger than what it is for', ['-m0=lzma2:d=256m', '-mf=off']],
    ['with Deflate', ['-m0=deflate']],
    ['with Deflate64', ['-m0=deflate64']],
    ['with BZip2', ['-m0=bzip2']],
    ['as they are', ['-mx=0']],
    ['each file by itself', ['-ms=off', '-mx=1']],
    ['with a header that is not packed', ['-mhc=off', '-mx=1']],
  ])('%s unpacks to what was packed', async (_, options) => {
    const product = makeProduct();
    const archive = pack(...options);
    const expected = listing(product);
    const tree = await unpack(where, archive);
    expect(entriesOf(tree)).toEqual(expected);
    expect(listing(where.tree)).toEqual(expected);
    const files = Object.values(expected).filter(({ type }) => type !== 'dir');
    const bytes = files.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
    const measure = await measureArchive({ file: join(where.folder, 'a.7z') });
    expect(measure).toEqual({ format: '7z', files: files.length, bytes, exact: true });
  });

  /** Bytes in which each filter finds what it looks for: opcodes, and targets that are near. */
  const opcodes = (bytes: number) => {
    const random = randomBytes(bytes * 2);
    const often = [
      0xe8, 0xe9, 0x0f, 0x84, 0, 0xff, 0xeb, 0x94, 0x90, 0x48, 1, 0x40, 0x7f, 0xf0, 0xf8, 0xef, 0x17, 0x10,
    ];
    return Buffer.from(
      Uint8Array.from({ length: bytes }, (_, i) =>
        (random[2 * i] ?? 0) < 128 ? (often[(random[2 * i + 1] ?? 0) % often.length] ?? 0) : (random[2 * i + 1] ?? 0),
      ),
    );
  };

  test.each<readonly [string, readonly string[]]>([
    ...['bcj', 'ppc', 'ia64', 'arm', 'armt', 'sparc', 'arm64', 'riscv', 'delta:1', 'delta:4', 'delta:256'].map(
      (filter) => [filter, [`-m0=${filter}`, '-m1=lzma2:d=64k', '-mx=1']] as const,
    ),
    ['several filters', ['-m0=delta:2', '-m1=arm', '-m2=lzma', '-mx=1']],
    ['BCJ2', ['-m0=bcj2', '-mx=1']],
    [
      'BCJ2 over others',
      ['-m0=bcj2', '-m1=lzma2', '-m2=lzma', '-m3=deflate', '-mb0:1', '-mb0s1:2', '-mb0s2:3', '-mx=1'],
    ],
    ['PPMd', ['-m0=ppmd']],
    ['PPMd of the longest order', ['-m0=ppmd:o=32:mem=1m']],
    ['PPMd whose memory is full again and again', ['-m0=ppmd:o=8:mem=64k']],
  ])('with %s unpacks to what was packed', async (_, options) => {
    const product = join(where.folder, 'product');
    mkdirSync(product);
    writeFileSync(join(product, 'program'), opcodes(300_007));
    writeFileSync(join(product, 'text'), readFileSync(new URL(import.meta.url)));
    writeFileSync(join(product, 'zeros'), Buffer.alloc(100_000));
    const archive = pack('-mf=off', ...options);
    const expected = listing(product);
    expect(entriesOf(await unpack(where, archive))).toEqual(expected);
  });

  test('gives what is included, without unpacking the rest', async () => {
    makeProduct();
    const tree = await unpack(where, pack('-mx=1'), { include: ['bin/f7', 'none', 'bin/run'] });
    expect(Object.keys(entriesOf(tree))).toEqual(['bin', 'bin/f7', 'bin/run', 'none']);
  });

  test.each([
    ['a password', ['-psecret'], 'encrypted'],
    ['a password for its header, too', ['-psecret', '-mhe=on'], 'encrypted'],
  ])('with %s is refused in words', async (_, options, says) => {
    makeProduct();
    await expect(unpack(where, pack(...options))).rejects.toMatchObject({
      code: 'ARCHIVE_UNSUPPORTED',
      message: expect.stringContaining(says),
    });
  });

  test.each([
    ['files', ['-psecret ü']],
    ['files and header', ['-psecret ü', '-mhe=on']],
    ['files, stored', ['-psecret ü', '-mx=0']],
    ['files, each alone', ['-psecret ü', '-ms=off']],
  ])('with encrypted %s unpacks with its password, and with no other', async (_, options) => {
    makeProduct();
    const archive = pack(...options);
    const expected = listing(join(where.folder, 'product'));
    expect(entriesOf(await unpack(where, archive, { password: 'secret ü' }))).toEqual(expected);
    for (const password of ['secret', '']) {
      again();
      await expect(unpack(where, archive, { password })).rejects.toMatchObject({
        code: 'ARCHIVE_UNSUPPORTED',
        context: { reason: 'password' },
      });
    }
  });

  test('with a dictionary of more than 64 MiB that is used is refused in words', async () => {
    mkdirSync(join(where.folder, 'product'));
    writeFileSync(join(where.folder, 'product/zeros'), Buffer.alloc(68_000_000));
    const archive = pack('-m0=lzma2:d=128m:c=256m', '-mx=1', '-mmt=1');
    await expect(unpack(where, archive)).rejects.toMatchObject({
      code: 'ARCHIVE_UNSUPPORTED',
      message: expect.stringContaining('64 MiB'),
    });
  });

  test('is refused wherever it is cut off, with any byte changed, and with more after it', async () => {
    const product = join(where.folder, 'product');
    mkdirSync(product);
    writeFileSync(join(product, 'a'), 'some text, '.repeat(40));
    writeFileSync(join(product, 'b'), 'others');
    for (const archive of ['lzma', 'lzma2', 'deflate64'].map((method) => pack(`-m0=${method}`))) {
      for (let at = 8; at < archive.length; at += 7) {
        const damaged = Buffer.from(archive);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        for (const bytes of [damaged, archive.subarray(0, at)]) {
          await expect(unpack(where, bytes)).rejects.toMatchObject({
            code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSUPPORTED)$/),
          });
          again();
        }
      }
      await expect(unpack(where, Buffer.concat([archive, Buffer.from('x')]))).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
      });
      again();
    }
  });

  test('is held to the limits before anything is unpacked', async () => {
    mkdirSync(join(where.folder, 'product'));
    writeFileSync(join(where.folder, 'product/zeros'), Buffer.alloc(110_000_000));
    const archive = pack('-mx=1');
    await expect(unpack(where, archive, { limits: { ratio: 100 } })).rejects.toMatchObject({ code: 'ARCHIVE_LIMIT' });
    await expect(unpack(where, archive, { limits: { size: 1e6 } })).rejects.toMatchObject({
      code: 'ARCHIVE_LIMIT',
    });
    await expect(unpack(where, archive, { limits: { count: 0 } })).rejects.toMatchObject({ code: 'ARCHIVE_LIMIT' });
    expect(listing(where.tree)).toEqual({});
  });
});

const file = (name: string, content = 'evil'): SevenZipItem => ({ name, content });
const link = (name: string, target: string): SevenZipItem => ({ name, content: target, mode: 0o120777 });

describe('a 7z that no program would write', () => {
  test('whose method Copy has a number without bytes (py7zr)', async () => {
    const tree = await unpack(where, sevenZip([file('a', 'one')], { method: 'none' }));
    expect(entriesOf(tree)).toMatchObject({ a: { type: 'file', size: 3 } });
  });

  test('reads as it should where nothing is wrong', async () => {
    const tree = await unpack(where, sevenZip([file('a/b', 'one'), { name: 'd', mode: 0o040755 }, link('l', 'a/b')]));
    expect(Object.keys(entriesOf(tree))).toEqual(['a', 'a/b', 'd', 'l']);
    expect(listing(where.tree)).toEqual(entriesOf(tree));
  });

  test.each<[string, string, Buffer]>([
    ['ARCHIVE_UNSAFE', 'a path upwards (7-Zip, CVE-2025-55188; Zip Slip)', sevenZip([file('../beside/victim')])],
    ['ARCHIVE_UNSAFE', 'an absolute path', sevenZip([file('/tmp/prestage-escaped')])],
    ['ARCHIVE_UNSAFE', 'a drive letter', sevenZip([file('C:/x')])],
    ['ARCHIVE_UNSAFE', 'backslashes', sevenZip([file('..\\beside\\victim')])],
    ['ARCHIVE_UNSAFE', 'a control character', sevenZip([file('a\nb')])],
    ['ARCHIVE_UNSAFE', 'no name', sevenZip([file('')])],
    ['ARCHIVE_UNSAFE', 'a write through a link', sevenZip([link('l', '../beside'), file('l/victim')])],
    ['ARCHIVE_UNSAFE', 'a link out (7-Zip, CVE-2025-11001)', sevenZip([link('l', '../beside/victim')])],
    ['ARCHIVE_UNSAFE', 'an absolute link', sevenZip([link('l', '/etc/passwd')])],
    ['ARCHIVE_UNSAFE', 'a link to nothing', sevenZip([{ name: 'l', mode: 0o120777 }])],
    ['ARCHIVE_UNSAFE', 'a path twice', sevenZip([file('x', '1'), file('x', '2')])],
    ['ARCHIVE_UNSAFE', 'names that differ in case', sevenZip([file('README'), file('readme')])],
    ['ARCHIVE_UNSAFE', 'a device', sevenZip([{ ...file('null'), mode: 0o020666 }])],
    ['ARCHIVE_INVALID', 'a folder with content', sevenZip([{ ...file('d'), mode: 0o040755 }])],
    ['ARCHIVE_INVALID', 'a size beyond what there is', sevenZip([file('a'), file('b')], { sizes: [9, 4] })],
    ['ARCHIVE_INVALID', 'a size that is wrong', sevenZip([file('a'), file('b')], { sizes: [3, 4] })],
    ['ARCHIVE_INVALID', 'fewer files than contents', sevenZip([file('a'), file('b')], { count: 1 })],
    ['ARCHIVE_INVALID', 'more files than it has', sevenZip([file('a')], { count: 900_000 })],
    ['ARCHIVE_LIMIT', 'more files than anybody has', sevenZip([file('a')], { count: 2 ** 31 })],
    ['ARCHIVE_INVALID', 'LZMA2 without properties', sevenZip([file('a')], { method: 0x21 })],
    ['ARCHIVE_UNSUPPORTED', 'an unknown method', sevenZip([file('a')], { method: 0x77 })],
    ['ARCHIVE_UNSUPPORTED', 'a file to be removed', sevenZip([file('a'), { name: 'b', isAnti: true }])],
    ['ARCHIVE_UNSUPPORTED', 'a link of Windows', sevenZip([{ ...file('a'), attributes: 0x400 }])],
    ['ARCHIVE_UNSUPPORTED', 'a name that is half a character', sevenZip([file('a\ud800')])],
  ])('is refused as %s for %s', async (code, _, archive) => {
    await expect(unpack(where, archive)).rejects.toMatchObject({ code });
  });

  test('with any header that has the right checksum ends in a tree or in a refusal', async () => {
    const archive = sevenZip([file('a/b', 'one'), file('c', 'two'), { name: 'd', mode: 0o040755 }, link('l', 'c')]);
    const dataBytes = Number(archive.readBigUInt64LE(12));
    const [data, header] = [archive.subarray(32, 32 + dataBytes), archive.subarray(32 + dataBytes)];
    const change = fc.record({
      at: fc.nat(header.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
      replaces: fc.nat(4),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = changes.reduce(
          (bytes, { at, bytes: others, replaces }) =>
            Buffer.concat([bytes.subarray(0, at), others, bytes.subarray(at + replaces)]),
          header,
        );
        try {
          expect(listing(where.tree)).toEqual({});
          const tree = await unpack(where, withHeader(data, changed));
          expect(listing(where.tree)).toEqual(entriesOf(tree));
        } catch (error) {
          if (!(error instanceof PrestageError)) throw error;
          expect(error.code).toMatch(/^(ARCHIVE_|STEP_FILE_MISSING)/);
        } finally {
          expect(where.outside()).toEqual(['victim', 'untouched']);
          again();
        }
      }),
      { numRuns: Number(process.env.PRESTAGE_FUZZ_RUNS ?? 150) },
    );
  });
});
