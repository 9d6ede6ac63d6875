import { mkdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { loadConfig } from '../config/load-config.js';
import type { ConfigInput } from '../config/schema.js';
import { sha256 } from '../core/digest.js';
import type { PrestageEvent } from '../core/events.js';
import { listFolder } from '../plan/folder-listing.js';
import { calls } from '../store/system-calls.js';
import { type Resolved, type ResolveOptions, resolve, writeLockfile } from './resolve.js';
import type { PinRemote } from './resolve-source.js';

type Files = Record<string, string>;

const noNetwork: PinRemote = async ({ url }) => {
  throw new Error(`asked for ${url}`);
};

async function project(config: Omit<ConfigInput, 'name'>, files: Files = {}): Promise<string> {
  return folderWith({ 'prestage.config.json': JSON.stringify({ name: 'portal', ...config }, null, 1), ...files });
}

async function resolveIn(folder: string, options: Partial<ResolveOptions> = {}): Promise<Resolved> {
  return resolve(await loadConfig(folder), { pinRemote: noNetwork, emit: () => {}, ...options });
}

async function failureIn(folder: string, options: Partial<ResolveOptions> = {}) {
  const error = await resolveIn(folder, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return expect(error);
}

const app = (more: object = {}) => ({ packages: { app: { source: 'app.tar', ...more } } });

describe('a resolved configuration', () => {
  test('has every input by its digest, and where its bytes are', async () => {
    const config = {
      packages: {
        app: {
          source: 'app.tar',
          steps: [{ patch: 'p/a.patch' }, { copy: { from: 'overlay', to: 'conf/' } }, { remove: 'docs' }],
        },
        theme: { source: 'theme', extract: false, destination: 'opt/theme' },
      },
      services: { api: { run: 'run.sh', boot: 'boot.sh' }, web: { run: 'run.sh' } },
    };
    const files = {
      'app.tar': 'tar',
      'p/a.patch': 'diff',
      'overlay/x': 'x',
      'theme/y': 'yy',
      'run.sh': '#!/bin/sh\n',
      'boot.sh': '#! /bin/sh',
    };
    const folder = await project(config, files);
    const { plan, inputs, services, environment } = await resolveIn(folder);
    const [overlay, theme] = await Promise.all(['overlay', 'theme'].map((name) => listFolder(join(folder, name))));

    expect(environment).toEqual({ name: 'local', target: 'local', root: join(folder, '.prestage/local') });
    expect(services.services.map((service) => service.name)).toEqual(['api', 'web']);
    expect(plan.packages.map(({ id, destination, tree, recipe }) => ({ id, destination, tree, recipe }))).toEqual([
      {
        id: 'app',
        destination: 'app',
        tree: expect.stringMatching(/^app-[0-9a-f]{16}$/),
        recipe: {
          format: 1,
          package: 'app',
          source: { kind: 'file', name: 'app.tar', sha256: sha256('tar') },
          extract: 'auto',
          steps: [
            {
              kind: 'patch',
              patches: [{ name: 'a.patch', sha256: sha256('diff') }],
              strip: 1,
              fuzz: 0,
              optional: false,
            },
            {
              kind: 'copy',
              from: { kind: 'folder', name: 'overlay', sha256: overlay?.sha256 },
              to: 'conf/',
              optional: false,
            },
            { kind: 'remove', files: ['docs'], optional: false },
          ],
        },
      },
      {
        id: 'theme',
        destination: 'opt/theme',
        tree: expect.stringMatching(/^theme-[0-9a-f]{16}$/),
        recipe: {
          format: 1,
          package: 'theme',
          source: { kind: 'folder', name: 'theme', sha256: theme?.sha256 },
          extract: 'auto',
          steps: [],
        },
      },
    ]);
    expect(plan.scripts).toEqual([
      { path: 'boot.sh', sha256: sha256('#! /bin/sh') },
      { path: 'run.sh', sha256: sha256('#!/bin/sh\n') },
    ]);
    const at = (path: string, size: number, kind = 'file') => ({ kind, path: join(folder, path), size });
    expect(inputs).toEqual({
      [sha256('tar')]: at('app.tar', 3),
      [sha256('diff')]: at('p/a.patch', 4),
      [overlay?.sha256 ?? '']: at('overlay', 1, 'folder'),
      [theme?.sha256 ?? '']: at('theme', 2, 'folder'),
      [sha256('#! /bin/sh')]: at('boot.sh', 10),
      [sha256('#!/bin/sh\n')]: at('run.sh', 10),
    });
  });

  test('has the same identity in another folder, and another where an input changes', async () => {
    const config = { ...app({ steps: [{ patch: 'a.patch' }] }), services: { api: { run: 'run.sh' } } };
    const files = { 'app.tar': 'tar', 'a.patch': 'diff', 'run.sh': '#!/bin/sh' };
    const release = async (change: Files = {}) =>
      (await resolveIn(await project(config, { ...files, ...change }))).plan.release;
    const first = await release();
    expect(await release()).toBe(first);
    const others = await Promise.all(Object.keys(files).map((path) => release({ [path]: '#!/bin/bash' })));
    expect(new Set([first, ...others]).size).toBe(4);
  });

  test('has the same identity whatever the limits, which go beside the recipe', async () => {
    const planned = async (limits?: object) =>
      (await resolveIn(await project(app({ ...(limits && { limits }) }), { 'app.tar': 'tar' }))).plan;
    const [plain, limited] = await Promise.all([planned(), planned({ size: '2KiB', depth: 3 })]);
    expect(limited.packages[0]?.limits).toEqual({ size: 2048, depth: 3 });
    expect(plain.packages[0]).not.toHaveProperty('limits');
    expect({ ...limited, packages: limited.packages.map(({ limits, ...others }) => others) }).toEqual(plain);
  });

  test('has the identity that it had before anything could be said of names, where nothing is', async () => {
    const digest = async (more: object = {}) => {
      const extract = { strip: 1, include: 'a/**', ...more };
      const config = app({ extract, steps: [{ extract: { file: 'b.zip', ...more } }] });
      return (await resolveIn(await project(config, { 'app.tar': 'tar' }))).plan.packages[0]?.digest;
    };
    const source = `{"kind":"file","name":"app.tar","sha256":"${sha256('tar')}"}`;
    const step = '{"file":"b.zip","keep":false,"kind":"extract","optional":false,"strip":0,"to":""}';
    const recipe = `{"extract":{"include":["a/**"],"strip":1},"format":1,"package":"app","source":${source},"steps":[${step}]}`;
    expect(await digest()).toBe(sha256(recipe));
    expect(await digest({ encoding: 'cp932' })).not.toBe(sha256(recipe));
    expect(await digest({ encoding: 'shift_jis' })).toBe(await digest({ encoding: 'cp932' }));
  });

  test('expands a quilt series into steps by strip', async () => {
    const steps = [{ patch: { files: ['patches', 'last.patch'], strip: 2, fuzz: 1 } }];
    const files = {
      'app.tar': '',
      'patches/series': 'b.patch\na.patch\nc.patch -p0\n',
      'patches/a.patch': 'a',
      'patches/b.patch': 'b',
      'patches/c.patch': 'c',
      'last.patch': 'd',
    };
    const { plan } = await resolveIn(await project(app({ steps }), files));
    const patch = (strip: number, ...names: string[]) => ({
      kind: 'patch',
      strip,
      fuzz: 1,
      optional: false,
      patches: names.map((name) => ({ name: `${name}.patch`, sha256: sha256(name === 'last' ? 'd' : name) })),
    });
    expect(plan.packages[0]?.recipe.steps).toEqual([patch(2, 'b', 'a'), patch(0, 'c'), patch(2, 'last')]);
  });

  test('leaves out the patches of a quilt series that have no content yet', async () => {
    const files = {
      'app.tar': '',
      'patches/series': 'empty.patch -p0\na.patch\n',
      'patches/empty.patch': '',
      'patches/a.patch': 'a',
    };
    const { plan } = await resolveIn(await project(app({ steps: [{ patch: 'patches' }] }), files));
    const patches = [{ name: 'a.patch', sha256: sha256('a') }];
    expect(plan.packages[0]?.recipe.steps).toEqual([{ kind: 'patch', strip: 1, fuzz: 0, optional: false, patches }]);
  });
});

test('a large file says how far the reading for its digest is, once', async () => {
  const folder = await project(app({ source: 'large.bin' }), { 'large.bin': '' });
  await truncate(join(folder, 'large.bin'), 200 * 1024 * 1024);
  const events: PrestageEvent[] = [];
  const emit = (event: PrestageEvent) => events.push(event);
  await resolveIn(folder, { emit });
  const source = expect.stringContaining('large.bin');
  const bytesTotal = 200 * 1024 * 1024;
  expect(events[0]).toEqual({ type: 'digest.started', source, bytesTotal });
  expect(events.at(-1)).toEqual({ type: 'digest.finished', source, bytes: bytesTotal, durationMs: expect.any(Number) });
  for (const event of events.slice(1, -1)) expect(event).toMatchObject({ type: 'digest.progress', source, bytesTotal });
});

describe('the lockfile', () => {
  afterEach(() => void vi.restoreAllMocks());

  test('is computed by resolve, and written by writeLockfile alone, once', async () => {
    const folder = await project(app(), { 'app.tar': 'tar' });
    const path = join(folder, 'prestage.lock');
    const first = await resolveIn(folder);
    expect(first.lockfile).toMatchObject({
      path,
      changed: true,
      changes: [{ source: 'app.tar', sha256: sha256('tar') }],
    });
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await writeLockfile(first);
    expect(await readFile(path, 'utf8')).toBe(first.lockfile.text);

    const second = await resolveIn(folder);
    expect(second.lockfile).toMatchObject({ changed: false, changes: [] });
    const { ino } = await stat(path);
    await writeLockfile(second);
    expect((await stat(path)).ino).toBe(ino);
  });

  test.skipIf(process.platform === 'win32')('survives a crash of the machine: its folder is flushed too', async () => {
    const folder = await project(app(), { 'app.tar': 'tar' });
    const opened = vi.spyOn(calls, 'openToSync');
    await writeLockfile(await resolveIn(folder));
    expect(opened.mock.calls).toContainEqual([folder]);
  });

  test('that cannot be written is told as what it is, a file of the project', async () => {
    const folder = await project(app(), { 'app.tar': 'tar' });
    const resolved = await resolveIn(folder);
    const refused = Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS', syscall: 'open' });
    vi.spyOn(calls, 'create').mockRejectedValue(refused);
    await expect(writeLockfile(resolved)).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringMatching(/prestage\.lock cannot be written: .*read-only for this user \(EROFS\)/),
      hint: expect.stringContaining('commit a complete lockfile and deploy again'),
    });
  });

  test('follows a local source as it changes, and says from what', async () => {
    const folder = await project(app(), { 'app.tar': 'one' });
    await writeLockfile(await resolveIn(folder));
    await writeFile(join(folder, 'app.tar'), 'two');
    const { lockfile, plan } = await resolveIn(folder);
    expect(lockfile.changes).toEqual([{ source: 'app.tar', sha256: sha256('two'), previous: sha256('one') }]);
    expect(plan.packages[0]?.recipe.source.sha256).toBe(sha256('two'));
  });

  test('drops a source that the configuration has no longer', async () => {
    const folder = await project(app(), { 'app.tar': 'one', other: 'two' });
    await writeLockfile(await resolveIn(folder));
    await writeFile(
      join(folder, 'prestage.config.json'),
      JSON.stringify({ name: 'portal', ...app({ source: 'other' }) }),
    );
    const { lockfile } = await resolveIn(folder);
    expect(Object.keys(JSON.parse(lockfile.text).sources)).toEqual(['other']);
  });

  test('is unchanged where git gave it other line ends', async () => {
    const folder = await project(app(), { 'app.tar': 'one' });
    const { lockfile } = await resolveIn(folder);
    await writeFile(lockfile.path, lockfile.text.replaceAll('\n', '\r\n'));
    expect((await resolveIn(folder)).lockfile.changed).toBe(false);
  });
});

describe('a remote source', () => {
  const url = 'https://me:secret@host/get/app.tar.gz?token=secret';
  const remote = (more: object = {}) => ({ packages: { app: { source: url, ...more } } });
  const pinAs = (content: string): { asked: string[]; pinRemote: PinRemote } => {
    const asked: string[] = [];
    return {
      asked,
      pinRemote: async (source) => {
        asked.push(source.url);
        return { sha256: sha256(content), size: content.length, version: '"1"' };
      },
    };
  };

  test('is asked for once, and from then on taken from the lockfile without a network', async () => {
    const folder = await project({ packages: { a: { source: url }, b: { source: url } } });
    const { asked, pinRemote } = pinAs('one');
    const first = await resolveIn(folder, { pinRemote });
    expect(asked).toEqual([url]);
    await writeLockfile(first);
    const again = await resolveIn(folder);
    expect(again.plan).toEqual(first.plan);
    expect(again.inputs).toEqual({ [sha256('one')]: { kind: 'http', url, size: 3 } });
  });

  test.each([
    ['"an-etag"', {}],
    ['3HL4kqtJlcpXroDTDmJ', { versionId: '3HL4kqtJlcpXroDTDmJ' }],
  ])('on S3 is read in the version %s where that is one', async (version, place) => {
    const source = 's3://bucket/get/app 1.tar';
    const folder = await project({ packages: { app: { source } } });
    const pinRemote = async () => ({ sha256: sha256('one'), size: 3, version });
    const { inputs, plan, lockfile } = await resolveIn(folder, { pinRemote });
    expect(inputs).toEqual({ [sha256('one')]: { kind: 's3', url: source, size: 3, ...place } });
    expect(plan.packages[0]?.recipe.source.name).toBe('app 1.tar');
    expect(JSON.parse(lockfile.text).sources[source]).toEqual({ sha256: sha256('one'), size: 3, version });
  });

  test.each([
    ['app.tar.gz', 'auto'],
    ['lib/app.jar', 'single'],
  ])('in a registry is pinned to its layer, which is called %s, and known again offline', async (name, extract) => {
    const source = 'oci://ghcr.io/team/app:1.0';
    const folder = await project({ packages: { app: { source, layer: 0 } } });
    const locked = { sha256: sha256('one'), size: 3, name, version: `sha256:${sha256('manifest')}` };
    const first = await resolveIn(folder, { pinRemote: async () => locked });
    expect(JSON.parse(first.lockfile.text).sources).toEqual({ [`${source} layer 0`]: locked });
    await writeLockfile(first);
    const { inputs, plan } = await resolveIn(folder);
    expect(plan).toEqual(first.plan);
    expect(plan.packages[0]?.recipe).toMatchObject({ source: { kind: 'file', name: basename(name) }, extract });
    const url = `oci://ghcr.io/team/app@sha256:${sha256('one')}`;
    expect(inputs).toEqual({ [sha256('one')]: { kind: 'oci', url, size: 3 } });
  });

  test('is asked for again with updateLock, and the change shown', async () => {
    const folder = await project(remote());
    await writeLockfile(await resolveIn(folder, pinAs('one')));
    const { lockfile } = await resolveIn(folder, { ...pinAs('two'), updateLock: true });
    expect(lockfile.changes).toEqual([
      { source: 'https://host/get/app.tar.gz', sha256: sha256('two'), previous: sha256('one') },
    ]);
  });

  test('has its credentials neither in the plan nor in the lockfile', async () => {
    const { plan, lockfile } = await resolveIn(await project(remote()), pinAs('one'));
    expect(plan.packages[0]?.recipe.source).toEqual({ kind: 'file', name: 'app.tar.gz', sha256: sha256('one') });
    expect(JSON.stringify([plan, lockfile])).not.toContain('secret');
  });

  test('whose integrity is not what is locked has moved: both digests are shown', async () => {
    const folder = await project(remote());
    await writeLockfile(await resolveIn(folder, pinAs('one')));
    const changed = JSON.stringify({ name: 'portal', ...remote({ integrity: `sha256:${sha256('two')}` }) });
    await writeFile(join(folder, 'prestage.config.json'), changed);
    (await failureIn(folder)).toMatchObject({
      code: 'SOURCE_MOVED',
      message: `prestage.lock pins sha256:${sha256('one')}, and the configuration's integrity is sha256:${sha256('two')}: package app from https://***@host/get/app.tar.gz?***`,
      hint: expect.stringContaining('--update-lock'),
      context: { package: 'app', expected: sha256('one'), found: sha256('two') },
    });
    expect((await resolveIn(folder, { ...pinAs('two'), updateLock: true })).lockfile.changes).toHaveLength(1);
  });

  test.each([
    ['with updateLock', { updateLock: true }],
    ['and is not locked yet', {}],
  ])('whose integrity is not what it is now, %s, has a wrong integrity', async (_, options) => {
    const stale = { source: url, integrity: `sha256:${sha256('one')}` };
    const folder = await project({ packages: { first: { source: url }, second: stale } });
    (await failureIn(folder, { ...pinAs('two'), ...options })).toMatchObject({
      code: 'INTEGRITY_MISMATCH',
      message: `package second from https://***@host/get/app.tar.gz?*** is sha256:${sha256('two')}, and its integrity in the configuration is sha256:${sha256('one')}`,
      hint: 'If the new one is meant, correct `integrity` in the configuration; if not, the source.',
      context: { package: 'second', expected: sha256('one'), found: sha256('two') },
    });
  });

  test('says to the worker that its integrity pins it, whichever package has one', async () => {
    const pinned = { source: url, integrity: `sha256:${sha256('one')}` };
    for (const packages of [
      { a: pinned, b: { source: url } },
      { a: { source: url }, b: pinned },
    ]) {
      const { inputs, plan } = await resolveIn(await project({ packages }), pinAs('one'));
      expect(inputs[sha256('one')]).toEqual({ kind: 'http', url, size: 3, pinnedBy: 'integrity' });
      expect(JSON.stringify(plan)).not.toContain('pinnedBy');
    }
  });
});

describe('what is wrong with files is told with the line, all of it at once', () => {
  const lineOf = async (folder: string, word: string) =>
    (await readFile(join(folder, 'prestage.config.json'), 'utf8'))
      .split('\n')
      .findIndex((line) => line.includes(word)) + 1;

  test.each<[string, Omit<ConfigInput, 'name'>, Files, string, string, string]>([
    [
      'a source',
      app(),
      { 'app.tgz': '' },
      'CONFIG_FILE_MISSING',
      '"source"',
      'packages.app.source: expected a file or a folder, found nothing at DIR/app.tar; did you mean app.tgz?',
    ],
    [
      'a patch',
      app({ steps: [{ patch: ['a.patch', 'b.patch'] }] }),
      { 'app.tar': '', 'a.patch': '' },
      'CONFIG_FILE_MISSING',
      '"b.patch"',
      'packages.app.steps[0].patch[1]: expected a patch or a series, found nothing at DIR/b.patch; did you mean a.patch?',
    ],
    [
      'a patch of a series',
      app({ steps: [{ patch: 'p' }] }),
      { 'app.tar': '', 'p/series': 'gone.diff' },
      'CONFIG_FILE_MISSING',
      '"patch"',
      'packages.app.steps[0].patch: expected a file, found nothing at DIR/p/gone.diff',
    ],
    [
      'a series with options',
      app({ steps: [{ patch: 'p' }] }),
      { 'app.tar': '', 'p/series': 'a -R' },
      'CONFIG_INVALID',
      '"patch"',
      'packages.app.steps[0].patch: expected a patch a line, with -pN at most, found the option -R on line 1 in DIR/p/series',
    ],
    [
      'a folder to copy',
      app({ steps: [{ copy: { from: 'overlay' } }] }),
      { 'app.tar': '' },
      'CONFIG_FILE_MISSING',
      '"from"',
      'packages.app.steps[0].copy.from: expected a file or a folder, found nothing at DIR/overlay',
    ],
    [
      'a script',
      { packages: {}, services: { api: { run: 'run.sh' } } },
      {},
      'CONFIG_FILE_MISSING',
      '"run"',
      'services.api.run: expected a file, found nothing at DIR/run.sh',
    ],
    [
      'a script that is a folder',
      { packages: {}, services: { api: { run: 'run' } } },
      { 'run/x': '' },
      'CONFIG_FILE_MISSING',
      '"run"',
      'services.api.run: expected a file, found a folder at DIR/run',
    ],
    [
      'a script without #!',
      { packages: {}, services: { api: { run: 'a.sh' } } },
      { 'a.sh': 'echo hi\r\n' },
      'CONFIG_SCRIPT',
      '"run"',
      'services.api.run: expected a first line such as #!/bin/sh, found "echo hi" in a.sh',
    ],
    [
      'an empty script',
      { packages: {}, services: { api: { boot: 'a.sh' } } },
      { 'a.sh': '' },
      'CONFIG_SCRIPT',
      '"boot"',
      'services.api.boot: expected a first line such as #!/bin/sh, found an empty line in a.sh',
    ],
    [
      'a script from Windows',
      { packages: {}, services: { api: { run: 'a.sh' } } },
      { 'a.sh': '#!/bin/sh\r\n' },
      'CONFIG_SCRIPT',
      '"run"',
      'services.api.run: expected a first line that ends with a line feed alone, found a carriage return at its end in a.sh',
    ],
    [
      'a script with a byte-order mark',
      { packages: {}, services: { api: { run: 'a.sh' } } },
      { 'a.sh': '\uFEFF#!/bin/sh\n' },
      'CONFIG_SCRIPT',
      '"run"',
      'services.api.run: expected a first line such as #!/bin/sh, found a byte-order mark before it in a.sh',
    ],
    [
      'a script whose interpreter has no path',
      { packages: {}, services: { api: { run: 'a.sh' } } },
      { 'a.sh': '#!bash\n' },
      'CONFIG_SCRIPT',
      '"run"',
      'services.api.run: expected a first line such as #!/bin/sh, found "#!bash", without the path of an interpreter, in a.sh',
    ],
    [
      'a bad integrity',
      app({ integrity: `sha256:${'0'.repeat(64)}` }),
      { 'app.tar': '' },
      'INTEGRITY_MISMATCH',
      '"integrity"',
      `packages.app.integrity: expected sha256:${'0'.repeat(64)}, found sha256:${sha256('')} at DIR/app.tar`,
    ],
    [
      'extract beside a folder',
      app({ extract: true }),
      { 'app.tar/x': '' },
      'CONFIG_INVALID',
      '"extract"',
      'packages.app.extract: expected no extract beside a folder, which is taken whole, found one',
    ],
    [
      'a source that holds the configuration',
      app({ source: '.' }),
      {},
      'CONFIG_INVALID',
      '"source"',
      "packages.app.source: expected a folder that Prestage does not write to, found one that holds the configuration's own folder",
    ],
    [
      'a source that holds the store',
      { ...app({ source: 'all' }), environments: { here: { target: 'local', root: 'all/store' } } },
      { 'all/x': '' },
      'CONFIG_INVALID',
      '"source"',
      'packages.app.source: expected a folder that Prestage does not write to, found one that holds the store (DIR/all/store)',
    ],
  ])('%s', async (_, config, files, code, word, message) => {
    const folder = await project(config, files);
    (await failureIn(folder)).toMatchObject({
      code,
      message: `${folder}/prestage.config.json:${await lineOf(folder, word)}: ${message.replaceAll('DIR', folder)}`,
      exitStatus: 2,
    });
  });

  test('several, of several kinds', async () => {
    const folder = await project({ ...app(), services: { api: { boot: 'b.sh', run: 'a.sh' } } }, { 'a.sh': '' });
    const failure = await failureIn(folder);
    failure.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^3 problems .*\n.*app\.source.*\n.*api\.boot.*\n.*api\.run/),
    });
  });

  test('a link in a circle', async () => {
    const folder = await project(app());
    await symlink('app.tar', join(folder, 'app.tar'));
    (await failureIn(folder)).toMatchObject({
      code: 'CONFIG_FILE_MISSING',
      message: expect.stringContaining('a circle of links'),
    });
  });
});

test('an integrity in base64 is the same digest', async () => {
  const integrity = `sha256-${Buffer.from(sha256('tar'), 'hex').toString('base64')}`;
  const { plan } = await resolveIn(await project(app({ integrity }), { 'app.tar': 'tar' }));
  expect(plan.packages[0]?.recipe.source.sha256).toBe(sha256('tar'));
});

test('a source folder with what no tree may hold is refused', async () => {
  const folder = await project(app());
  await mkdir(join(folder, 'app.tar'));
  await symlink('../prestage.config.json', join(folder, 'app.tar/out'));
  (await failureIn(folder)).toMatchObject({ code: 'SOURCE_UNSAFE', context: { path: join(folder, 'app.tar/out') } });
});

test('the cache of digests may be deleted at any time', async () => {
  const folder = await project(app(), { 'app.tar': 'tar' });
  const first = await resolveIn(folder);
  await rm(join(folder, '.prestage'), { recursive: true, force: true });
  expect((await resolveIn(folder)).plan).toEqual(first.plan);
});
