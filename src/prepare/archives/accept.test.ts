import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cpio, deb, rpm } from '../../../test/archives/cpio-builder.js';
import { type TarItem, tar, tarEntry } from '../../../test/archives/tar-builder.js';
import { entriesOf, expectUntouched, listing, type Place, place, unpack } from '../../../test/archives/unpacked.js';
import { zip } from '../../../test/archives/zip-builder.js';
import { DEPARTURES, type Departure } from '../../plan/index.js';
import { StagedTree } from '../tree/staged-tree.js';
import { extractArchive } from './index.js';

/** Rules that an archive may break where its package says so: what comes of it, and that nothing lands outside. */

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => where.remove());

interface Entry {
  name: string;
  content?: string;
  link?: string;
  device?: true;
}

const ALL = Object.keys(DEPARTURES) as Departure[];
const file = (name: string, content = 'x'): Entry => ({ name, content });
const link = (name: string, target: string): Entry => ({ name, link: target });
const modeOf = ({ link, device }: Entry) => (device ? 0o020644 : link === undefined ? 0o100644 : 0o120777);

const tarItem = ({ name, content = '', link, device }: Entry): TarItem => {
  if (device) return { name, type: '3' };
  return link === undefined ? { name, content } : { name, type: '2', link };
};
const tarOf = (entries: readonly Entry[]) => tar(...entries.map(tarItem));
const items = (entries: readonly Entry[]) =>
  entries.map((entry) => ({ name: entry.name, content: entry.link ?? entry.content ?? '', mode: modeOf(entry) }));

const FORMATS: Record<string, (entries: readonly Entry[]) => Buffer> = {
  tar: tarOf,
  'tar.gz': (entries) => gzipSync(tarOf(entries)),
  zip: (entries) =>
    zip(
      entries.map((entry) => ({
        name: entry.name,
        content: entry.link ?? entry.content ?? '',
        unixMode: modeOf(entry),
      })),
    ),
  cpio: (entries) => cpio(items(entries)),
  deb: (entries) => deb(tarOf(entries)),
  rpm: (entries) => rpm(gzipSync(cpio(items(entries)))),
};

/** Unpacks, and says of what was let pass how often. */
async function accepted(archive: Buffer, accept: readonly Departure[], at = where) {
  const tree = new StagedTree(at.tree, { concurrency: 64 });
  const stream = async function* () {
    yield archive;
  };
  const input = { name: 'archive', file: at.write('archive.bin', archive), stream };
  const { remarks } = await extractArchive(input, tree, { strip: 0, accept });
  return { tree, counts: Object.fromEntries(remarks.map(({ about, count }) => [about, count])) };
}

const CASES: [departure: Departure, entries: Entry[], paths: string[], count: number][] = [
  ['case', [file('App', '1'), file('app', '2')], ['App', 'app'], 1],
  ['case', [file('caf\u00e9'), file('cafe\u0301')], ['cafe\u0301', 'caf\u00e9'], 1],
  ['duplicates', [file('a', '1'), file('b'), file('a', 'later'), file('a', 'latest')], ['a', 'b'], 2],
  ['outside-links', [link('l', '/etc/ssl'), link('m', '../beside')], ['l', 'm'], 2],
  ['outside-links', [link('l', '/'), link('m', 'l/etc')], ['l', 'm'], 2],
  ['absolute-names', [file('/opt/a'), file('//opt/b')], ['opt', 'opt/a', 'opt/b'], 2],
  [
    'unsafe-names',
    [file('a\nb'), file('c\x1b[2J'), link('l', 'a\nb'), file('C:/x')],
    ['C:', 'C:/x', 'a\nb', 'c\x1b[2J', 'l'],
    4,
  ],
  ['devices', [{ name: 'null', device: true }, file('a')], ['a'], 1],
];

describe.each(Object.entries(FORMATS))('of a %s', (_, pack) => {
  test.each(CASES)('%s are accepted where that is said, and counted: %j', async (departure, entries, paths, count) => {
    const archive = pack(entries);
    const others = ALL.filter((name) => name !== departure);
    const strict = place();
    await expect(accepted(archive, others, strict)).rejects.toMatchObject({
      code: 'ARCHIVE_UNSAFE',
      hint: expect.stringContaining('`extract: {accept: ['),
    });
    expectUntouched(strict);
    strict.remove();
    await expect(unpack(where, archive)).rejects.toMatchObject({
      hint: expect.stringContaining(`\`extract: {accept: [${departure}]}\``),
    });
    where.remove();
    where = place();
    const { tree, counts } = await accepted(archive, [departure]);
    expect(Object.keys(entriesOf(tree))).toEqual(paths);
    expect(counts).toEqual({ [departure]: count });
    expect(listing(where.tree)).toEqual(entriesOf(tree));
    expectUntouched(where);
  });
});

test.each(Object.entries(FORMATS))('of a path that is there twice in a %s, the later one counts', async (_, pack) => {
  const { tree } = await accepted(pack([file('a', 'first'), link('l', 'a'), file('a', 'later'), file('l', 'file')]), [
    'duplicates',
  ]);
  expect((await tree.read('a')).toString()).toBe('later');
  expect((await tree.read('l')).toString()).toBe('file');
});

const one = tarOf([file('a')]);
const ENDS: [what: string, archive: Buffer, departure: Departure, paths: string[]][] = [
  ['a tar without an end mark', tarEntry({ name: 'a', content: 'x' }), 'no-end-mark', ['a']],
  ['a cpio without an end mark', cpio([{ name: 'a', content: 'x' }]).subarray(0, 116), 'no-end-mark', ['a']],
  ['joined tars', Buffer.concat([one, tarOf([file('b')])]), 'concatenated', ['a', 'b']],
  ['joined tars of gzip', gzipSync(Buffer.concat([one, tarOf([file('b')])])), 'concatenated', ['a', 'b']],
  [
    'joined cpios',
    Buffer.concat([cpio([{ name: 'a' }]), Buffer.alloc(512), cpio([{ name: 'b' }])]),
    'concatenated',
    ['a', 'b'],
  ],
  ['joined tars of which the first counts', Buffer.concat([one, tarOf([file('b')])]), 'trailing-data', ['a']],
  ['a tar with something behind it', Buffer.concat([one, Buffer.from('signature')]), 'trailing-data', ['a']],
  ['a gzip with something behind it', Buffer.concat([gzipSync(one), Buffer.from('signature')]), 'trailing-data', ['a']],
  [
    'a gzip of several members with something behind zeros',
    Buffer.concat([
      gzipSync(one.subarray(0, 700)),
      gzipSync(''),
      gzipSync(one.subarray(700)),
      Buffer.alloc(600),
      gzipSync('signature'),
    ]),
    'trailing-data',
    ['a'],
  ],
  [
    'a small cpio of gzip with something behind it',
    Buffer.concat([gzipSync(cpio([{ name: 'a', content: 'x'.repeat(900) }])), Buffer.from('signature')]),
    'trailing-data',
    ['a'],
  ],
  [
    'a cpio with something behind it',
    Buffer.concat([cpio([{ name: 'a' }]), Buffer.from('signature')]),
    'trailing-data',
    ['a'],
  ],
  [
    'a zip with something behind it',
    Buffer.concat([zip([{ name: 'a' }]), Buffer.from('signature')]),
    'trailing-data',
    ['a'],
  ],
];

test.each(ENDS)('%s is read where that is accepted', async (_, archive, departure, paths) => {
  const strict = place();
  await expect(accepted(archive, [], strict)).rejects.toMatchObject({
    code: 'ARCHIVE_INVALID',
    hint: expect.stringContaining('`extract: {accept: ['),
  });
  strict.remove();
  const { tree, counts } = await accepted(archive, [departure]);
  expect(Object.keys(entriesOf(tree))).toEqual(paths);
  expect(counts).toEqual({ [departure]: 1 });
});

/** What nobody can accept. */
const NEVER: [reason: string, what: string, entries: Entry[]][] = [
  ['path-upwards', 'a path upwards', [file('../beside/victim')]],
  ['path-upwards', 'an absolute path upwards', [file('/../beside/victim')]],
  ['path-control', 'a NUL in a name', [file('a\0b')]],
  ['through-link', 'a write through a link that leads out', [link('l', '../beside'), file('l/victim')]],
  ['through-link', 'a write through an absolute link', [link('l', '/tmp'), file('l/prestage-escaped')]],
  ['through-link', 'a write through a later link', [file('l'), link('l', '../beside'), file('l/victim')]],
  ['link-circle', 'links in a circle', [link('a', 'b'), link('b', 'a')]],
];

test.each(NEVER)('%s stays refused with all of them accepted: %s', async (reason, _, entries) => {
  for (const [format, pack] of Object.entries(FORMATS)) {
    if (reason === 'path-control' && format !== 'zip') continue; // elsewhere a NUL ends the name
    for (const accept of [ALL, ...ALL.map((name) => [name])]) {
      const at = place();
      await expect(accepted(pack(entries), accept, at)).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
      expectUntouched(at);
      at.remove();
    }
  }
});

test('a hard link never leads out', async () => {
  for (const target of ['../beside/victim', '/etc/passwd', 'l/victim']) {
    const at = place();
    const archive = tar({ name: 'l', type: '2', link: '../beside' }, { name: 'h', type: '1', link: target });
    await expect(accepted(archive, ALL, at)).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
    expectUntouched(at);
    at.remove();
  }
});

test('a link that led out stays accepted when others come, and is not so for them', async () => {
  const { tree } = await accepted(tarOf([link('l', '/etc')]), ['outside-links']);
  await tree.write('a', Buffer.from('x'));
  await tree.settled();
  await tree.makeLink('m', 'l/ssl');
  await expect(tree.settled()).rejects.toMatchObject({ context: { reason: 'link-escape' } });
});

test('names that the file system takes for one are an error, though accepted', async () => {
  const tree = new StagedTree(where.tree, { concurrency: 64 });
  const input = {
    name: 'archive',
    stream: async function* () {
      yield tarOf([file('App'), file('app')]);
    },
  };
  writeFileSync(join(where.tree, 'app'), 'as where case counts for nothing');
  await expect(extractArchive(input, tree, { strip: 0, accept: ['case'] })).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
    message: expect.stringContaining('The file system of the store takes'),
    context: { reason: 'collision' },
  });
  expect(readdirSync(where.tree).toSorted()).toContain('app');
});
