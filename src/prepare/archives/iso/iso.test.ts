import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { iso } from '../../../../test/archives/iso-builder.js';
import { entriesOf, expectUntouched, listing, type Place, place, unpack } from '../../../../test/archives/unpacked.js';
import { lacks } from '../../../../test/requirements.js';
import { measureArchive } from '../index.js';

/** Images by the programs that make them, compared with what was packed, and with what bsdtar makes of them; and others. */

const BLOCK = 2048;

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => {
  expectUntouched(where);
  where.remove();
});

function makeProduct(): string {
  const product = join(where.folder, 'product');
  const write = (name: string, content: string | Buffer, mode = 0o644) => {
    mkdirSync(dirname(join(product, name)), { recursive: true });
    writeFileSync(join(product, name), content, { mode });
  };
  write('bin/run', '#!/bin/sh\n', 0o755);
  write('größe-日本.txt', 'umlaut');
  write('none', '');
  write('big', randomBytes(2_500_000));
  write(`names/${'l'.repeat(200)}`, 'a long name');
  // Deeper than ISO 9660 allows: these are kept elsewhere.
  write('1/2/3/4/5/6/7/8/9/10/deep', 'deep');
  write('1/2/3/4/5/6/7/other/9/10/deep', 'deep, too');
  for (let i = 0; i < 60; i += 1) write(`many/${'f'.repeat(40)}.${i}.txt`, 'line\n'.repeat(i * 7));
  mkdirSync(join(product, 'empty'));
  symlinkSync('../none', join(product, 'bin/link'));
  symlinkSync(`names/${'l'.repeat(200)}`, join(product, 'long-link'));
  symlinkSync('./bin/../bin//run', join(product, 'odd-link'));
  linkSync(join(product, 'big'), join(product, 'same'));
  return product;
}

function made(program: string, ...options: string[]): Buffer {
  const command = program === 'xorriso' ? ['-as', 'mkisofs'] : [];
  execFileSync(program, [...command, '-quiet', ...options, '-o', '../a.iso', '.'], {
    cwd: join(where.folder, 'product'),
    stdio: 'ignore',
  });
  return readFileSync(join(where.folder, 'a.iso'));
}

describe.skipIf(lacks('genisoimage', 'xorriso', 'bsdtar'))('an image', () => {
  const byBsdtar = () => {
    const folder = join(where.folder, 'bsdtar');
    mkdirSync(folder);
    execFileSync('bsdtar', ['-xf', join(where.folder, 'a.iso'), '-C', folder]);
    execFileSync('chmod', ['-R', 'u+w', folder]);
    return listing(folder);
  };

  test.each([
    ['genisoimage with Rock Ridge', 'genisoimage', ['-R']],
    ['genisoimage with Rock Ridge and Joliet', 'genisoimage', ['-R', '-J', '-joliet-long']],
    ['genisoimage with Rock Ridge and UDF', 'genisoimage', ['-r', '-udf']],
    ['genisoimage with deep folders where they are', 'genisoimage', ['-R', '-D', '-no-pad']],
    ['xorriso with Rock Ridge and Joliet', 'xorriso', ['-R', '-J']],
    ['xorriso to start machines from', 'xorriso', ['-R', '-b', 'big', '-c', 'boot.cat', '-no-emul-boot']],
  ])('by %s unpacks to what was packed', async (_, program, options) => {
    const product = makeProduct();
    const archive = made(program, ...options);
    const expected = listing(product);
    const isStarting = options.includes('boot.cat');
    const tree = await unpack(where, archive, isStarting ? { exclude: ['boot.cat'] } : {});
    expect(listing(where.tree)).toEqual(entriesOf(tree));
    expect(entriesOf(tree)).toEqual(expected);
    const { 'boot.cat': __, ...others } = byBsdtar();
    expect(others).toEqual(expected);
    if (isStarting) return;
    const files = Object.values(expected).filter(({ type }) => type !== 'dir');
    const bytes = files.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
    const measured = await measureArchive({ file: join(where.folder, 'a.iso') });
    expect(measured).toEqual({ format: 'iso', files: files.length, bytes, exact: true });
  });

  test.each([
    ['Joliet', ['-J', '-joliet-long', '-D']],
    ['names of ISO 9660 alone', ['-D', '-iso-level', '3']],
  ])('with %s unpacks to what bsdtar makes of it, nothing of which may be executed', async (_, options) => {
    const product = makeProduct();
    for (const link of ['bin/link', 'long-link', 'odd-link']) rmSync(join(product, link));
    if (!options.includes('-J'))
      for (const name of ['größe-日本.txt', 'names', 'many']) rmSync(join(product, name), { recursive: true });
    const tree = await unpack(where, made('genisoimage', ...options));
    const expected = Object.entries(byBsdtar()).map(([path, entry]) => [
      path,
      entry.type === 'file' ? { ...entry, mode: 0o644 } : entry,
    ]);
    expect(expected.length).toBeGreaterThan(20);
    expect(entriesOf(tree)).toEqual(Object.fromEntries(expected));
  });

  test.skipIf(lacks('mkzftree'))('whose files are compressed for zisofs unpacks to what they were', async () => {
    const product = makeProduct();
    writeFileSync(join(product, 'zeros'), Buffer.alloc(300_000));
    writeFileSync(join(product, 'text'), 'some text, '.repeat(30_001));
    const expected = listing(product);
    execFileSync('mkzftree', [product, join(where.folder, 'packed')]);
    rmSync(product, { recursive: true });
    execFileSync('mv', [join(where.folder, 'packed'), product]);
    const archive = made('genisoimage', '-R', '-z');
    expect(archive.length).toBeLessThan(4_000_000);
    expect(entriesOf(await unpack(where, archive))).toEqual(expected);
  });

  test('with UDF alone, or with nothing but a word about it, is refused by name', async () => {
    const product = join(where.folder, 'product');
    mkdirSync(product);
    writeFileSync(join(product, 'README.TXT'), 'This disc contains a "UDF" file system.');
    const bridge = made('genisoimage', '-udf');
    const udf = Buffer.from(bridge);
    udf.write('BEA01', 16 * BLOCK + 1);
    udf.write('NSR02', 17 * BLOCK + 1);
    for (const archive of [bridge, udf])
      await expect(unpack(where, archive)).rejects.toMatchObject({
        code: 'ARCHIVE_UNSUPPORTED',
        message: expect.stringContaining('UDF'),
        context: { reason: 'format' },
      });
  });
});

describe('an image that no program would write', () => {
  const small = [
    { name: 'a/x', content: 'some' },
    { name: 'b/y', content: 'more' },
  ];

  test('has a file in several parts, which are joined', async () => {
    const content = randomBytes(5 * BLOCK + 17);
    const tree = await unpack(where, iso([{ name: 'f', content, partBlocks: 2 }, ...small]));
    expect(Object.keys(entriesOf(tree))).toEqual(['a', 'a/x', 'b', 'b/y', 'f']);
    expect(readFileSync(join(where.tree, 'f')).equals(content)).toBe(true);
  });

  /** Changes the record of an entry, by its name in ISO 9660. */
  const changed = (archive: Buffer, name: string, change: (record: Buffer) => void) => {
    const at = archive.indexOf(name) - 33;
    change(archive.subarray(at, at + (archive[at] ?? 0)));
    return archive;
  };
  const setBoth = (record: Buffer, at: number, value: number) => {
    record.writeUInt32LE(value, at);
    record.writeUInt32BE(value, at + 4);
  };
  const root = (archive: Buffer) => archive.readUInt32LE(16 * BLOCK + 156 + 2);

  test.each<[what: string, reason: string, archive: () => Buffer]>([
    [
      'a folder that is in itself',
      'overlap',
      () => {
        const archive = iso(small);
        return changed(archive, 'D2', (record) => setBoth(record, 2, root(archive)));
      },
    ],
    [
      'a folder under two names',
      'overlap',
      () => {
        const archive = iso(small);
        const other = archive.subarray(archive.indexOf('D4') - 33).readUInt32LE(2);
        return changed(archive, 'D2', (record) => setBoth(record, 2, other));
      },
    ],
    [
      'files that share some of their bytes',
      'overlap',
      () => {
        const archive = iso([{ name: 'a', content: Buffer.alloc(3 * BLOCK, 'a') }, ...small]);
        return changed(archive, 'F2.;1', (record) => setBoth(record, 10, 3 * BLOCK + 1));
      },
    ],
    [
      'a file that is a directory as well',
      'overlap',
      () => {
        const archive = iso(small);
        return changed(archive, 'F3.;1', (record) => setBoth(record, 2, root(archive)));
      },
    ],
    [
      'a file beyond the end',
      'cut-off',
      () => changed(iso(small), 'F3.;1', (record) => setBoth(record, 2, 0xfffffff0)),
    ],
    ['a folder beyond the end', 'cut-off', () => changed(iso(small), 'D2', (record) => setBoth(record, 2, 0xfffffff0))],
    ['a folder without an end', 'malformed', () => changed(iso(small), 'D2', (record) => setBoth(record, 10, 0))],
    [
      'a number that is another one backwards',
      'malformed',
      () => changed(iso(small), 'F3.;1', (record) => record.writeUInt32BE(1, 6)),
    ],
    [
      'a record that is longer than itself',
      'malformed',
      () => changed(iso(small), 'F3.;1', (record) => record.writeUInt8(200, 32)),
    ],
    [
      'a part of a file whose next is another one',
      'malformed',
      () => changed(iso(small), 'F3.;1', (record) => record.writeUInt8(0x80, 25)),
    ],
    [
      'a file that is a folder by Rock Ridge',
      'headers-differ',
      () => iso([{ name: 'a', content: 'x', mode: 0o040755 }]),
    ],
    ['a link without a target', 'headers-differ', () => iso([{ name: 'a', content: 'x', mode: 0o120777 }])],
    [
      'fields that go on in themselves',
      'malformed',
      () => {
        const archive = iso([{ name: 'n'.repeat(255), content: 'x' }]);
        const at = archive.lastIndexOf('PX');
        const field = archive.indexOf('CE\x1c\x01');
        archive.copy(archive, at, field, field + 28);
        archive.fill(0, at + 28, at + 330);
        return archive;
      },
    ],
    [
      'a name with a slash',
      'malformed',
      () => {
        const archive = iso([{ name: 'a_b', content: 'x' }]);
        archive.write('a/b', archive.indexOf('a_b'));
        return archive;
      },
    ],
  ])('has %s, and is refused', async (_, reason, archive) => {
    await expect(unpack(where, archive())).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      context: { reason, file: 'archive' },
    });
    expect(listing(where.tree)).toEqual({});
  });

  test.each<[what: string, reason: string, archive: () => Buffer]>([
    [
      'blocks between those of another file',
      'feature',
      () => changed(iso(small), 'F3.;1', (record) => record.writeUInt8(1, 26)),
    ],
    [
      'a file on another disc',
      'multi-part',
      () => changed(iso(small), 'F3.;1', (record) => record.writeUInt16LE(2, 28)),
    ],
    [
      'a name that is not UTF-8',
      'encoding',
      () => {
        const archive = iso([{ name: 'a_b', content: 'x' }]);
        archive.write('a\xe9b', archive.indexOf('a_b'), 'latin1');
        return archive;
      },
    ],
  ])('has %s, and is refused as unsupported', async (_, reason, archive) => {
    await expect(unpack(where, archive())).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED', context: { reason } });
  });

  test('has folders without end, or more entries than allowed, and is refused before memory is full', async () => {
    const deep = iso([{ name: Array.from({ length: 950 }, () => 'abcdefgh').join('/'), content: '' }]);
    await expect(unpack(where, deep)).rejects.toMatchObject({ context: { reason: 'path-length' } });
    await expect(unpack(where, iso(small), { limits: { count: 3 } })).rejects.toMatchObject({
      context: { reason: 'count' },
    });
    await expect(measureArchive({ file: where.write('b', iso(small)), limits: { count: 3 } })).rejects.toMatchObject({
      code: 'ARCHIVE_LIMIT',
    });
  });
});
