import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lacks } from '../../test/requirements.js';
import { sha256 } from '../core/digest.js';
import { formatManifest, parseManifest, parseTotals } from './manifest.js';
import type { TreeEntry } from './tree-entry.js';
import { decodeName, encodeName } from './vis.js';

const anyName = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
const anyMode = fc.integer({ min: 0, max: 0o777 });
const anyEntry: fc.Arbitrary<TreeEntry> = fc.oneof(
  fc.record({ type: fc.constant('dir' as const), mode: anyMode }),
  fc.record({
    type: fc.constant('file' as const),
    mode: anyMode,
    size: fc.nat({ max: 2 ** 40 }),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  }),
  fc.record({
    type: fc.constant('link' as const),
    target: fc.string({ unit: 'binary', minLength: 1 }).filter((t) => !t.includes('\0')),
  }),
);

/** Trees of any shape: entries at random places, and a folder wherever something is below. */
const anyTree = fc.array(fc.tuple(fc.array(anyName, { minLength: 1, maxLength: 4 }), anyEntry)).map((placed) => {
  const entries = new Map<string, TreeEntry>();
  for (const [names, entry] of placed) entries.set(names.join('/'), entry);
  for (const path of [...entries.keys()])
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const parent = path.slice(0, at);
      if (entries.get(parent)?.type !== 'dir') entries.set(parent, { type: 'dir', mode: 0o755 });
    }
  return entries;
});

const small = new Map<string, TreeEntry>([
  ['bin', { type: 'dir', mode: 0o755 }],
  ['bin/run.sh', { type: 'file', mode: 0o755, size: 3, sha256: sha256('hi\n') }],
  ['current', { type: 'link', target: 'bin/run.sh' }],
]);

describe('a manifest', () => {
  test('is written byte for byte as docs/store-format.md says', () => {
    expect(formatManifest(small).toString()).toBe(`#mtree
# prestage tree 1 files=2 bytes=3
. type=dir mode=0755
./bin type=dir mode=0755
./bin/run.sh type=file mode=0755 size=3 sha256=98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4
./current type=link link=bin/run.sh
`);
  });

  test('reads back as what was written, for every tree', () => {
    fc.assert(
      fc.property(anyTree, (entries) => {
        expect(parseManifest(formatManifest(entries))).toEqual(entries);
      }),
    );
  });

  test('does not depend on the order of the entries', () => {
    fc.assert(
      fc.property(anyTree, fc.nat(), (entries, seed) => {
        const rotated = [...entries];
        rotated.unshift(...rotated.splice(seed % (rotated.length + 1)));
        expect(formatManifest(new Map(rotated.reverse()))).toEqual(formatManifest(entries));
      }),
    );
  });

  test('has its totals at its head', () => {
    expect(parseTotals(formatManifest(small).toString())).toEqual({ files: 2, bytes: 3 });
  });

  test('is one word of plain ASCII for every name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(encodeName(name)).toMatch(/^[\x21-\x7e]+$/);
        expect(decodeName(encodeName(name))).toBe(name);
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['another file', 'hello\n'],
    ['a manifest of another version', '#mtree\n# prestage tree 2 files=0 bytes=0\n. type=dir mode=0755\n'],
    ['no root', '#mtree\n# prestage tree 1 files=0 bytes=0\n'],
    ['a line that is cut off', formatManifest(small).toString().slice(0, -5)],
    ['a missing line feed at the end', formatManifest(small).toString().slice(0, -1)],
    [
      'a missing entry',
      formatManifest(small)
        .toString()
        .replace(/\.\/current.*\n/, ''),
    ],
    [
      'entries out of order',
      formatManifest(small)
        .toString()
        .replace(/(\.\/bin type.*\n)(\.\/bin\/run.*\n)/, '$2$1'),
    ],
    [
      'an entry twice',
      formatManifest(small)
        .toString()
        .replace(/(\.\/current.*\n)/, '$1$1'),
    ],
    [
      'a path twice, as two things that are in order and counted',
      formatManifest(small)
        .toString()
        .replace(/(\.\/current type=link link=).*\n/, (line, start) => `${start}a\n${line}`),
    ],
    ['an entry without its folder', formatManifest(small).toString().replace('./bin type=dir mode=0755\n', '')],
    ['a path that leads upwards', formatManifest(small).toString().replaceAll('./bin', './..')],
    ['an unknown type', formatManifest(small).toString().replace('type=link', 'type=fifo')],
    ['a name that is encoded in another way', formatManifest(small).toString().replace('./current', './\\143urrent')],
  ])('is refused with %s', (_, text) => {
    expect(() => parseManifest(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'STORE_INVALID' }));
  });

  test('of any bytes is read or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => parseManifest(bytes)).toThrow(expect.objectContaining({ code: 'STORE_INVALID' }));
      }),
    );
  });
});

describe('tools that are not ours', () => {
  let root: string;
  const names = [
    'plain.txt',
    'a space',
    'new\nline',
    'tab\t',
    'ümläut',
    '#hash',
    'equal=sign',
    'back\\slash',
    'star*',
    '[b]',
    '?',
    'd!$&\'"();<>|`^{}~%:@+,',
  ];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'prestage-mtree-'));
    await mkdir(join(root, 'tree'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function makeTree(): Promise<void> {
    const entries = new Map<string, TreeEntry>();
    const tree = join(root, 'tree');
    await chmod(tree, 0o755);
    for (const folder of ['', 'sub', 'sub/a b', 'sub-2', 'sub/ütf']) {
      if (folder !== '') {
        await mkdir(join(tree, folder));
        await chmod(join(tree, folder), 0o755);
        entries.set(folder, { type: 'dir', mode: 0o755 });
      }
      for (const [index, name] of names.entries()) {
        const path = folder === '' ? name : `${folder}/${name}`;
        const mode = index % 2 === 0 ? 0o644 : 0o755;
        await writeFile(join(tree, path), path);
        await chmod(join(tree, path), mode);
        entries.set(path, { type: 'file', mode, size: Buffer.byteLength(path), sha256: sha256(path) });
      }
    }
    await symlink('sub/a space', join(tree, 'to = a #space'));
    entries.set('to = a #space', { type: 'link', target: 'sub/a space' });
    await writeFile(join(root, 'manifest'), formatManifest(entries));
  }

  const mtree = () =>
    spawnSync('mtree', ['-f', join(root, 'manifest'), '-p', join(root, 'tree')], { encoding: 'utf8' });

  test.skipIf(lacks('mtree'))('mtree(8) accepts a tree by its manifest', async () => {
    await makeTree();
    expect(mtree()).toMatchObject({ status: 0, stdout: '' });
  });

  test.skipIf(lacks('mtree')).each<[string, RegExp, (tree: string) => Promise<void>]>([
    ['a changed byte', /sha256/, (tree) => writeFile(join(tree, 'sub/plain.txt'), 'sub/plaim.txt')],
    ['a changed mode', /permissions|mode/, (tree) => chmod(join(tree, 'sub/plain.txt'), 0o600)],
    ['a missing file', /missing/, (tree) => rm(join(tree, 'sub/new\nline'))],
    ['an extra file', /extra/, (tree) => writeFile(join(tree, 'sub/more'), '')],
  ])('mtree(8) finds %s by the manifest', async (_, told, change) => {
    await makeTree();
    await change(join(root, 'tree'));
    expect(mtree().stdout).toMatch(told); // its exit status tells of changed files only
  });

  test.skipIf(lacks('bsdtar'))('bsdtar reads every name from the manifest', async () => {
    await makeTree();
    const listed = execFileSync('bsdtar', ['-tf', join(root, 'manifest')], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const lines = listed.split('\n').filter((line) => line !== '');
    expect(lines).toHaveLength(1 + 4 + 5 * names.length + 1);
    expect(lines).toContain('./sub/a b/a space');
    expect(lines).toContain('./sub/#hash');
  });
});
