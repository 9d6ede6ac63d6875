import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pax, type TarItem, tar, tarEntry } from '../../../../test/archives/tar-builder.js';
import { entriesOf, listing, type Place, place, unpack } from '../../../../test/archives/unpacked.js';
import { lacks } from '../../../../test/requirements.js';
import { measureArchive } from '../index.js';

/** Files whose holes are not in the archive. */

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => where.remove());

const KIB = 1024;

function sparseFile(path: string, size: number, pieces: readonly (readonly [offset: number, text: string])[]): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, size);
  for (const [offset, text] of pieces) writeSync(file, text, offset);
  closeSync(file);
}

function makeFiles(): void {
  const folder = join(where.folder, 'sparse');
  mkdirSync(folder);
  sparseFile(join(folder, 'hole-at-the-end'), 300 * KIB, [[0, 'start']]);
  sparseFile(join(folder, 'hole-at-the-start'), 100 * KIB, [[100 * KIB - 3, 'end']]);
  sparseFile(join(folder, 'only-a-hole'), 4000 * KIB, []);
  const pieces = Array.from({ length: 60 }, (_, i) => [i * 64 * KIB, `piece ${i} `.repeat(50)] as const);
  sparseFile(join(folder, 'größe-with-many'), 5000 * KIB + 77, pieces);
  sparseFile(join(folder, `${'long'.repeat(40)}.bin`), 2000 * KIB, [[1000 * KIB, 'middle']]);
  writeFileSync(join(folder, 'whole'), 'whole');
}

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: where.folder, stdio: ['ignore', 'ignore', 'pipe'] });

describe.each([
  ['tar', '--format=gnu', '--sparse'],
  ['tar', '--format=pax', '--sparse', '--sparse-version=0.0'],
  ['tar', '--format=pax', '--sparse', '--sparse-version=0.1'],
  ['tar', '--format=pax', '--sparse', '--sparse-version=1.0'],
  ['bsdtar', '--format=pax', '--read-sparse'],
])('made by %s with %s %s %s', (command, ...options) => {
  test.skipIf(command === 'bsdtar' && lacks('bsdtar'))('unpack to what tar makes of them', async () => {
    makeFiles();
    run(command, ...options, '-cf', 'a.tar', 'sparse');
    const archive = readFileSync(join(where.folder, 'a.tar'));
    expect(archive.length).toBeLessThan(500 * KIB); // the holes are not in it
    const expected = listing(join(where.folder, 'sparse'));
    run('tar', '-xf', 'a.tar', '-C', 'beside');
    expect(listing(join(where.folder, 'beside/sparse'))).toEqual(expected);
    const tree = await unpack(where, archive, { strip: 1 });
    expect(entriesOf(tree)).toEqual(expected);
    expect(listing(where.tree)).toEqual(expected);

    const files = Object.values(expected).filter(({ type }) => type === 'file');
    const bytes = files.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
    const measure = { format: 'tar', files: files.length, bytes, exact: true };
    expect(await measureArchive({ file: join(where.folder, 'a.tar') })).toEqual(measure);

    const others = place();
    const selected = { strip: 1, include: ['whole', '*-start'], chunkBytes: 700 };
    const some = await unpack(others, gzipSync(archive), selected);
    expect(Object.keys(entriesOf(some))).toEqual(['hole-at-the-start', 'whole']);
    others.remove();
  });
});

/** An entry in the format "Old GNU": up to four segments, and blocks of more. */
function old(segments: (number | string)[], size: number | string, content: string, more: Buffer[] = []): Buffer {
  const field = (value: number | string) =>
    typeof value === 'string' ? value : `${value.toString(8).padStart(11, '0')}\0`;
  const header = tarEntry({
    name: 's',
    type: 'S',
    magic: 'ustar  \0',
    size: content.length,
    edit(block) {
      block.write(segments.map(field).join(''), 386, 'latin1');
      block[482] = more.length > 0 ? 1 : 0;
      block.write(field(size), 483, 'latin1');
    },
  });
  const data = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  data.write(content);
  return Buffer.concat([header, ...more, data]);
}

const block = (text = '', edit: (block: Buffer) => void = () => undefined): Buffer => {
  const bytes = Buffer.alloc(512);
  bytes.write(text, 'latin1');
  edit(bytes);
  return bytes;
};

/** The records of pax for a sparse file that is stored as `content`. */
function keys(content: string | Buffer, records: Record<string, string>): Buffer {
  const sparse = Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]);
  return tar(pax(Object.fromEntries(sparse)), { name: 's', content } as TarItem);
}

const inContent = (map: string, content = '', records: Record<string, string> = {}) =>
  keys(Buffer.concat([block(map), Buffer.from(content)]), { major: '1', minor: '0', realsize: '2048', ...records });

const x512 = 'x'.repeat(512);

describe('are refused as invalid where', () => {
  test.each<[string, Buffer]>([
    ['segments overlap', tar(old([0, 512, 511, 512], 4096, x512 + x512))],
    ['segments are out of order', tar(old([1024, 512, 0, 512], 4096, x512 + x512))],
    ['a segment reaches beyond the end', tar(old([0, 512, 4000, 512], 4096, x512 + x512))],
    ['an offset is negative', tar(old(['\xff'.repeat(12), 512], 4096, x512))],
    ['an offset is beyond all measure', tar(old([`\x80${'\x7f'.repeat(11)}`, 512], 4096, x512))],
    ['a length is no number', tar(old([0, 'twelve bytes'], 4096, x512))],
    ['a segment before the last ends within a block', tar(old([0, 5, 1024, 512], 4096, `12345${x512}`))],
    ['there is more than the map says', tar(old([0, 512, 4096, 0], 4096, x512 + x512))],
    ['there is less than the map says', tar(old([0, 1024], 4096, x512))],
    ['the map ends before the file does', tar(old([0, 512], 4096, x512))],
    ['the map of pax ends before the file does', keys(x512, { size: '4096', map: '0,512' })],
    ['there is no size', tar(old([0, 512], '\xff'.repeat(12), x512))],
    ['the map does not end', old([0, 512], 4096, '', [block()]).subarray(0, 512)],
    ['a map has two numbers and a half', keys(x512, { size: '4096', map: '0,512,1024' })],
    ['a map is negative', keys(x512, { size: '4096', map: '-5,512' })],
    ['a map is empty between commas', keys(x512, { size: '4096', map: '0,,512' })],
    ['a length has no offset', keys(x512, { size: '4096', numbytes: '512' })],
    ['a map is there, and no size', keys(x512, { map: '0,512' })],
    ['a size is no number', keys(x512, { size: '4e3', map: '0,512' })],
    ['a map in the content is no map', inContent('two\n0\n512\n', x512)],
    ['a map in the content ends in the middle', inContent(`9\n${'0\n0\n'.repeat(5)}`)],
    ['a map in the content is longer than it', inContent(`300\n${'0\n0\n'.repeat(126)}1`)],
    ['a number in the content has no end', inContent('1'.repeat(512), x512)],
    ['a map in the content is about more', inContent('1\n0\n1024\n', x512)],
    ['it has two maps', tar(pax({ 'GNU.sparse.size': '4096' }), old([0, 512], 4096, x512))],
    [
      'the map is by pax, and the header is of GNU (GNU tar reads it from another place)',
      tar(pax({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '5,5' }), {
        name: 's',
        content: 'xxxxx',
        magic: 'ustar  \0',
      }),
    ],
    ['it is a folder', tar(pax({ 'GNU.sparse.size': '4096' }), { name: 'd/', type: '5' })],
    ['a global header has a map', tar(pax({ 'GNU.sparse.map': '0,512' }, 'g'), { name: 'a' })],
  ])('%s', async (_, archive) => {
    await expect(unpack(where, archive)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(where.outside()).toEqual(['victim', 'untouched']);
  });

  test('an archive is cut off anywhere in one', async () => {
    for (const archive of [
      tar(old([0, 512, 2048, 5, 4096, 0], 4096, `${x512}12345`)),
      inContent('3\n0\n512\n1024\n5\n2048\n0\n', `${x512}12345`),
    ]) {
      for (let length = 512; length < archive.length - 1024; length += 128) {
        await expect(unpack(where, archive.subarray(0, length))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
        where.remove();
        where = place();
      }
      expect(entriesOf(await unpack(where, archive)).s).toMatchObject({ type: 'file' });
    }
  });
});

describe('are held to the limits before a zero is written', () => {
  const tib = 2 ** 40;
  const TIB = `\x80${'\0'.repeat(5)}\x01${'\0'.repeat(5)}`;
  test.each<[string, Buffer]>([
    ['a hole of a TiB', tar(old([0, 512, TIB, 0], TIB, x512))],
    ['a hole of 4 GiB before the content', tar(old([2 ** 32 - 512, 512], 2 ** 32, x512))],
    ['a hole of a TiB by pax', keys(x512, { size: String(tib), map: `0,512,${tib},0` })],
    ['a hole of a TiB by a map in the content', inContent(`2\n0\n512\n${tib}\n0\n`, x512, { realsize: String(tib) })],
    // Each alone may be that large; together they are too much for their archive.
    ['many holes', tar(...Array.from({ length: 120 }, (_, i) => renamed(old([2 ** 20, 0], 2 ** 20, ''), `s${i}`)))],
    ['holes of some GiB', tar(old([4 * 2 ** 30, 0], 4 * 2 ** 30, ''))],
    ['a map of a million segments', inContent('1000000\n0\n0\n')],
    [
      'a map that goes on and on',
      tar(
        old(
          [0, 0],
          512,
          '',
          Array.from({ length: 4800 }, () => filledBlock()),
        ),
      ),
    ],
  ])('%s', async (_, archive) => {
    await expect(unpack(where, archive)).rejects.toMatchObject({ code: 'ARCHIVE_LIMIT' });
    const written = Object.values(listing(where.tree)).reduce((sum, { type, ...entry }) => {
      return sum + (type === 'file' && 'size' in entry ? entry.size : 0);
    }, 0);
    expect(written).toBeLessThanOrEqual(100 * 2 ** 20);
  });

  function filledBlock(): Buffer {
    return block('00000000000\0'.repeat(42), (bytes) => {
      bytes[504] = 1;
    });
  }

  function renamed(entry: Buffer, name: string): Buffer {
    const sum = entry.subarray(0, 512);
    const header = tarEntry({ name, type: 'S', magic: 'ustar  \0', edit: (block) => sum.copy(block, 386, 386, 495) });
    return Buffer.concat([header, entry.subarray(512)]);
  }
});

test('one that is excluded is passed over, whatever its map says', async () => {
  const archive = tar(old([1024, 512, 0, 512], 4096, x512 + x512), { name: 'a', content: 'a' });
  expect(Object.keys(entriesOf(await unpack(where, archive, { exclude: ['s'] })))).toEqual(['a']);
});

test('names made up for programs that know no maps are not used', async () => {
  const archive = tar(
    pax({
      path: './GNUSparseFile.7/s',
      'GNU.sparse.name': 'real',
      'GNU.sparse.size': '9',
      'GNU.sparse.map': '4,1,9,0',
    }),
    { name: 's', content: 'x' },
  );
  expect(entriesOf(await unpack(where, archive)).real).toMatchObject({ size: 9 });
  expect(readFileSync(join(where.tree, 'real'), 'latin1')).toBe('\0\0\0\0x\0\0\0\0');
});
