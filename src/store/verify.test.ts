import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { addRelease, temporaryRoot, treeName } from '../../test/small-stores.js';
import { sha256 } from '../core/digest.js';
import { storePaths } from './paths.js';
import { setCurrent } from './releases.js';
import type { Difference } from './report.js';
import { verifyStore } from './verify.js';

let root: string;
let release: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ root, remove } = await temporaryRoot());
  release = await addRelease(root, 'one', ['tool', 'more']);
  await setCurrent(root, release);
});
afterEach(() => remove());

const inTree = (path: string) => join(storePaths(root).tree(treeName('tool')), path);
const inRelease = (path: string) => join(storePaths(root).release(release), path);
const differences = async (deep = false) => (await verifyStore(root, { deep })).differences;

test('a store as it was published has no difference, and every entry was compared', async () => {
  for (const deep of [false, true])
    expect(await verifyStore(root, { deep })).toEqual({
      releases: [release],
      // The record and current; 2 links, 1 script; of 2 trees the manifest, the root, and 8 entries.
      checked: 2 + 3 + 2 * (1 + 1 + 8),
      differences: [],
    });
});

test('a store that is empty, or not there, has no difference', async () => {
  expect(await verifyStore(join(root, 'nowhere'), { deep: true })).toEqual({
    releases: [],
    checked: 0,
    differences: [],
  });
});

describe('in a tree', () => {
  const app = 'conf/app.properties';
  test.each<[string, () => Promise<unknown>, Partial<Difference>[]]>([
    ['a missing file', () => unlink(inTree(app)), [{ path: app, kind: 'missing' }]],
    ['a missing folder, told once', () => rm(inTree('conf'), { recursive: true }), [{ path: 'conf', kind: 'missing' }]],
    ['an extra file', () => writeFile(inTree('conf/more'), ''), [{ path: 'conf/more', kind: 'extra' }]],
    [
      'an extra folder, told once',
      () => mkdir(inTree('new/deep'), { recursive: true }),
      [{ path: 'new', kind: 'extra' }],
    ],
    ['another size', () => writeFile(inTree(app), 'x'), [{ path: app, kind: 'size', expected: '10', found: '1' }]],
    ['another mode', () => chmod(inTree(app), 0o600), [{ path: app, kind: 'mode', expected: '644', found: '600' }]],
    ['a setuid bit', () => chmod(inTree('bin/run.sh'), 0o4755), [{ path: 'bin/run.sh', kind: 'mode', found: '4755' }]],
    ['another mode of a folder', () => chmod(inTree('bin'), 0o700), [{ path: 'bin', kind: 'mode', found: '700' }]],
    ['another mode of the root', () => chmod(inTree(''), 0o700), [{ path: '.', kind: 'mode', found: '700' }]],
    [
      'a link that leads elsewhere',
      async () => {
        await unlink(inTree('link'));
        await symlink('/etc/passwd', inTree('link'));
      },
      [{ path: 'link', kind: 'link', expected: app, found: '/etc/passwd' }],
    ],
    [
      'a link in the place of a file',
      async () => {
        await rename(inTree(app), inTree('conf/kept'));
        await symlink('kept', inTree(app));
      },
      [
        { path: app, kind: 'type', expected: 'file', found: 'link' },
        { path: 'conf/kept', kind: 'extra' },
      ],
    ],
    [
      'a folder in the place of a file',
      async () => {
        await unlink(inTree(app));
        await mkdir(inTree(app));
      },
      [{ path: app, kind: 'type', expected: 'file', found: 'dir' }],
    ],
    [
      'a pipe in the place of a file, which nobody writes into',
      async () => {
        await unlink(inTree(app));
        execFileSync('mkfifo', [inTree(app)]);
      },
      [{ path: app, kind: 'type', expected: 'file', found: 'other' }],
    ],
    [
      'a socket in the place of a file',
      async () => {
        await unlink(inTree(app));
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
        onTestFinished(() => void server.close());
        await link(join(root, 'socket'), inTree(app));
      },
      [{ path: app, kind: 'type', expected: 'file', found: 'other' }],
    ],
    [
      'a link in the place of a folder, whose content is not looked at',
      async () => {
        await rename(inTree('conf'), join(root, 'conf'));
        await symlink(join(root, 'conf'), inTree('conf'));
      },
      [{ path: 'conf', kind: 'type', expected: 'dir', found: 'link' }],
    ],
  ])('%s is found', async (_, change, expected) => {
    await change();
    expect(await differences()).toEqual(expected.map((item) => expect.objectContaining({ package: 'tool', ...item })));
    expect(await differences(true)).toEqual(await differences());
  });

  test('another byte is found by --deep only', async () => {
    await writeFile(inTree(app), 'port=8081\n');
    expect(await differences()).toEqual([]);
    expect(await differences(true)).toEqual([
      {
        package: 'tool',
        path: app,
        tree: treeName('tool'),
        releases: [release],
        file: inTree(app),
        kind: 'digest',
        expected: sha256('port=8080\n'),
        found: sha256('port=8081\n'),
      },
    ]);
  });

  test('the whole tree missing is one difference', async () => {
    await rm(inTree(''), { recursive: true });
    const tree = treeName('tool');
    const where = { package: 'tool', path: `trees/${tree}`, tree, releases: [release] };
    expect(await differences()).toEqual([{ ...where, file: storePaths(root).tree(tree), kind: 'missing' }]);
  });

  test('a manifest that is not the one in the record is found, and the tree compared with it', async () => {
    const path = storePaths(root).manifest(treeName('tool'));
    const text = await readFile(path, 'latin1');
    await writeFile(path, text.replace('./bin/run.sh type=file mode=0755', './bin/run.sh type=file mode=0777'));
    expect(await differences()).toMatchObject([
      { package: 'tool', path: 'bin/run.sh', kind: 'mode' },
      { package: 'tool', path: `trees/${treeName('tool')}.mtree`, kind: 'manifest', found: expect.any(String) },
    ]);
  });

  test.each([
    ['', 'manifest'],
    [undefined, 'missing'],
  ] as const)('a manifest of %j is found', async (text, kind) => {
    const path = storePaths(root).manifest(treeName('tool'));
    if (text === undefined) await unlink(path);
    else await writeFile(path, text);
    expect(await differences()).toMatchObject([{ path: `trees/${treeName('tool')}.mtree`, kind }]);
  });
});

describe('in a release', () => {
  const script = '.prestage/scripts/boot/api.sh';
  test.each<[string, () => Promise<unknown>, Partial<Difference>]>([
    ['a missing link', () => unlink(inRelease('opt/tool')), { package: 'tool', path: 'opt/tool', kind: 'missing' }],
    [
      'a link to another tree',
      async () => {
        await unlink(inRelease('opt/tool'));
        await symlink(`../../../trees/${treeName('more')}`, inRelease('opt/tool'));
      },
      { package: 'tool', path: 'opt/tool', kind: 'link' },
    ],
    ['an extra file', () => writeFile(inRelease('opt/new'), ''), { package: '', path: 'opt/new', kind: 'extra' }],
    ['a missing script', () => unlink(inRelease(script)), { package: '', path: script, kind: 'missing' }],
    [
      'a changed script',
      () => writeFile(inRelease(script), '#!/bin/false\n'),
      { package: '', path: script, kind: 'digest' },
    ],
    [
      'a script that cannot be run',
      () => chmod(inRelease(script), 0o644),
      { path: script, kind: 'mode', found: '644' },
    ],
    ['a missing record', () => unlink(inRelease('release.json')), { path: 'release.json', kind: 'missing' }],
    ['a damaged record', () => writeFile(inRelease('release.json'), '{'), { path: 'release.json', kind: 'record' }],
    [
      'a record that names a tree otherwise than by its recipe',
      async () => {
        const text = await readFile(inRelease('release.json'), 'utf8');
        await writeFile(inRelease('release.json'), text.replace(sha256('recipe of tool'), sha256('another')));
      },
      { package: 'tool', path: 'release.json', kind: 'record' },
    ],
  ])('%s is found', async (_, change, expected) => {
    await change();
    const path = `releases/${release}/${expected.path}`;
    expect(await differences()).toEqual([expect.objectContaining({ ...expected, path })]);
  });

  test('`current` that leads nowhere is found', async () => {
    await rename(inRelease(''), storePaths(root).release('elsewhere'));
    expect(await differences()).toContainEqual(expect.objectContaining({ path: 'current', kind: 'link' }));
  });
});

test('one release is verified alone when it is named', async () => {
  const other = await addRelease(root, 'two', ['more']);
  await unlink(inTree('link'));
  expect(await verifyStore(root, { deep: true, release: other })).toMatchObject({ releases: [other], differences: [] });
  expect((await verifyStore(root, { deep: true, release })).differences).toMatchObject([{ path: 'link' }]);
});

test('a release that is not there is an error', async () => {
  await expect(verifyStore(root, { deep: false, release: '0123' })).rejects.toMatchObject({ code: 'RELEASE_UNKNOWN' });
});

test('differences are sorted by package, then path', async () => {
  for (const name of ['c', 'a', 'b']) await writeFile(inTree(name), '');
  await writeFile(join(storePaths(root).tree(treeName('more')), 'z'), '');
  expect((await differences()).map(({ package: id, path }) => `${id}/${path}`)).toEqual([
    'more/z',
    'tool/a',
    'tool/b',
    'tool/c',
  ]);
});

test('ends when it is aborted, with the reason', async () => {
  const reason = new Error('interrupted');
  await expect(verifyStore(root, { deep: true, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
