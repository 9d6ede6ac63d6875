import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serve } from '../../test/http-server.js';
import { contentsOf, isEmptyOrAbsent, ReleaseJob } from '../../test/release-job.js';
import { tar, tarGz, zip } from '../../test/small-archives.js';
import { sha256 } from '../core/digest.js';
import type { PrestageError } from '../core/errors.js';
import type { PrestageEvent } from '../core/events.js';
import { listFolder, type Recipe } from '../plan/index.js';
import { acquireLease, collectLeftovers, type ReleaseRecord, readRelease, storePaths } from '../store/index.js';
import { prepareRelease } from './prepare-release.js';

let folder: string;
let root: string;
let job: ReleaseJob;
let events: PrestageEvent[];
let runs = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-prepare-'));
  root = join(folder, 'store');
  job = new ReleaseJob(join(folder, 'files'));
  events = [];
});
afterEach(() => rm(folder, { recursive: true }));

function prepare(
  more: { root?: string; signal?: AbortSignal; wait?: boolean; failFast?: boolean } = {},
): Promise<ReleaseRecord> {
  runs += 1;
  return prepareRelease({
    root,
    plan: job.plan,
    inputs: job.inputs,
    run: `run-${runs}`,
    wait: false,
    createdBy: 'prestage 0.0.0',
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    ...more,
  });
}

async function failure(more: Parameters<typeof prepare>[0] = {}): Promise<PrestageError> {
  const outcome = await prepare(more).catch((error: PrestageError) => error);
  expect(outcome).toBeInstanceOf(Error);
  return outcome as PrestageError;
}

const eventsOf = <T extends PrestageEvent['type']>(type: T) =>
  events.filter((event): event is Extract<PrestageEvent, { type: T }> => event.type === type);
const product = { 'bin/run.sh': '#!/bin/sh\nyum -y install x\n', 'conf/app.properties': 'a=1\n' };
const unpacked = { 'bin/run.sh': `x ${product['bin/run.sh']}`, 'conf/app.properties': 'a=1\n' };
const stagingIsEmpty = () => isEmptyOrAbsent(join(root, '.staging'));

describe('a release', () => {
  test('has its packages at their destinations, its scripts, and a record', async () => {
    await job.package('installer', tarGz(product));
    await job.package('tool', zip({ 'a.txt': 'a' }));
    await job.script('boot/api.sh', '#!/bin/sh\n');
    const record = await prepare();
    const release = join(root, 'releases', job.plan.release);
    expect(await contentsOf(join(release, 'opt/installer'))).toEqual(unpacked);
    expect(await contentsOf(join(release, 'opt/tool'))).toEqual({ 'a.txt': 'a' });
    expect(await readlink(join(release, 'opt/tool'))).toBe(`../../../trees/${job.packages[1]?.tree}`);
    expect(await readFile(join(release, '.prestage/scripts/boot/api.sh'), 'utf8')).toBe('#!/bin/sh\n');
    expect(record).toEqual(await readRelease(root, job.plan.release));
    expect(record).toMatchObject({ release: job.plan.release, digest: job.plan.digest, createdBy: 'prestage 0.0.0' });
    expect(record.packages.map(({ id, files }) => [id, files])).toEqual([
      ['installer', 2],
      ['tool', 1],
    ]);
    expect(await stagingIsEmpty()).toBe(true);
    expect(await readdir(root)).not.toContain('.lock');
  });

  test('says what happens, package by package', async () => {
    const plan = await job.package('installer', tarGz(product), {
      steps: [
        { kind: 'replace', files: ['bin/*.sh'], from: 'yum', to: 'dnf', regex: false, expect: 1, optional: false },
      ],
    });
    const record = await prepare();
    expect(events).toMatchObject([
      { type: 'store.measured', files: 1, freeBytes: expect.any(Number) },
      { type: 'package.started', package: 'installer', tree: plan.tree },
      { type: 'package.step', package: 'installer', step: 1, kind: 'replace', files: 1, changes: 1 },
      { type: 'package.changed', package: 'installer', step: 1, files: [{ path: 'bin/run.sh', change: 'changed' }] },
      { type: 'package.published', package: 'installer', reused: false, digest: record.packages[0]?.digest, files: 2 },
      { type: 'release.published', release: job.plan.release, packages: 1 },
    ]);
  });

  test('says how long the preparation before took, which its record keeps', async () => {
    await job.package('installer', tarGz(product));
    const { prepared } = await prepare();
    expect(prepared).toEqual({ packages: 1, bytes: expect.any(Number), durationMs: expect.any(Number) });
    events = [];
    await job.package('tool', tarGz(product));
    await prepare();
    expect(events).toContainEqual(expect.objectContaining({ type: 'store.measured', last: prepared }));
  });

  test('that is there already is returned without a look at its inputs', async () => {
    await job.package('installer', tarGz(product));
    const record = await prepare();
    await rm(job.folder, { recursive: true });
    events = [];
    expect(await prepare()).toEqual(record);
    expect(events).toEqual([]);
  });

  test('takes packages that are there, and needs no inputs for them', async () => {
    const first = await job.package('installer', tarGz(product));
    const before = await prepare();
    await rm(job.folder, { recursive: true });
    await job.package('other', tar({ b: 'b' }));
    events = [];
    const after = await prepare();
    expect(after.packages[0]).toEqual(before.packages[0]);
    expect(eventsOf('package.published').map(({ package: id, reused }) => [id, reused])).toEqual([
      ['installer', true],
      ['other', false],
    ]);
    expect(eventsOf('package.started').map(({ tree }) => tree)).not.toContain(first.tree);
  });

  test('has the same digests in another root, made of the same archive as tar, tar.gz or zip', async () => {
    const digests = new Set<string | undefined>();
    for (const [i, pack] of [tar, tarGz, zip].entries()) {
      job = new ReleaseJob(join(folder, `files-${i}`));
      await job.package('installer', pack(product));
      const record = await prepare({ root: join(folder, `store-${i}`) });
      digests.add(record.packages[0]?.digest);
    }
    expect(digests.size).toBe(1);
  });

  test('of many packages is prepared side by side', async () => {
    for (let i = 0; i < 25; i += 1) await job.package(`p${i}`, tar({ [`${i}.txt`]: `${i}` }));
    const record = await prepare();
    expect(record.packages.map(({ id }) => id)).toEqual(job.plan.packages.map(({ id }) => id));
    expect(await readFile(join(root, 'releases', job.plan.release, 'opt/p17/17.txt'), 'utf8')).toBe('17');
  });
});

describe('a source', () => {
  test.each([
    ['a script', '#!/bin/sh\n', false, 'x #!/bin/sh\n'],
    ['a program', '\x7fELF…', 'auto', 'x \x7fELF…'],
    ['text', 'hello', 'auto', 'hello'],
    ['nothing', '', 'auto', ''],
  ] as const)(
    'that is %s stays one file, whose first bytes tell whether it may be executed',
    async (_, content, extract, found) => {
      await job.package('tool', content, { name: 'tool.run', extract });
      await prepare();
      expect(await contentsOf(join(root, 'trees', job.packages[0]?.tree ?? ''))).toEqual({ 'tool.run': found });
    },
  );

  test('that is an archive stays one file where it is not to be extracted', async () => {
    await job.package('tool', tarGz(product), { name: 'tool.tar.gz', extract: false });
    await prepare();
    expect(await readdir(join(root, 'trees', job.packages[0]?.tree ?? ''))).toEqual(['tool.tar.gz']);
  });

  const lfs = 'version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 5\n';
  const page = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>';
  test.each([
    ['tool.tar.gz', 'is empty', ''],
    ['tool.zip', 'is a pointer of Git LFS', lfs],
    ['tool.tgz', 'is an HTML page with the title "Sign in"', page],
    ['tool.tar.gz', 'does not begin like a supported archive', tarGz(product).subarray(100)],
    ['tool.tar', 'begins with nothing but zeros', Buffer.alloc(10_240)],
    ['tool.sql.gz', 'is an HTML page', page],
    ['tool.jar', 'is a pointer of Git LFS', lfs, 'single'],
    ['tool.bin', 'is an HTML page', page, { strip: 0 }],
    ['tool.dat', 'is a pointer of Git LFS', lfs],
    ['tool', 'is a pointer of Git LFS', lfs.replaceAll('\n', '\r\n')],
  ] as const)('named %s that %s is refused', async (name, says, content, extract: Recipe['extract'] = 'auto') => {
    await job.package('tool', content, { name, extract });
    expect(await failure()).toMatchObject({
      code: 'ARCHIVE_UNSUPPORTED',
      message: expect.stringContaining(says),
      hint: expect.stringContaining('extract: false'),
      context: { package: 'tool', file: name },
    });
  });

  test.each([
    ['tool.tar.gz', page, false],
    ['tool.html', page, 'auto'],
    ['tool.bin', lfs, false],
    ['tool.md', `${lfs}is how a pointer looks.\n`, 'auto'],
    ['tool.jar', zip({ a: 'a' }), 'single'],
    ['tool.jar', Buffer.concat([Buffer.from('#!/bin/sh\n'), zip({ a: 'a' })]), 'single'],
  ] as const)('named %s stays one file (%#)', async (name, content, extract) => {
    await job.package('tool', content, { name, extract });
    await prepare();
    expect(await readdir(join(root, 'trees', job.packages[0]?.tree ?? ''))).toEqual([name]);
  });

  test('that is no archive and must be one is refused', async () => {
    await job.package('tool', 'hello', { extract: { strip: 1 } });
    expect(await failure()).toMatchObject({ code: 'ARCHIVE_UNSUPPORTED', context: { package: 'tool' } });
  });

  test('that is a folder is copied, and refused when it changed', async () => {
    const source = join(folder, 'source');
    await mkdir(join(source, 'sub/empty'), { recursive: true });
    await writeFile(join(source, 'sub/a.sh'), 'a');
    await chmod(join(source, 'sub/a.sh'), 0o700);
    await symlink('sub/a.sh', join(source, 'link'));
    const { sha256: digest, size } = await listFolder(source);
    job.inputs[digest] = { kind: 'folder', path: source, size };
    const plan = job.add('conf', { source: { kind: 'folder', name: 'source', sha256: digest } });
    await prepare();
    const tree = join(root, 'trees', plan.tree);
    expect(await contentsOf(tree)).toEqual({ 'sub/a.sh': 'x a' });
    expect(await readdir(join(tree, 'sub'))).toEqual(['a.sh', 'empty']);
    expect(await readlink(join(tree, 'link'))).toBe('sub/a.sh');

    await writeFile(join(source, 'sub/a.sh'), 'b');
    expect(await failure({ root: join(folder, 'other') })).toMatchObject({
      code: 'SOURCE_CHANGED',
      context: { package: 'conf' },
    });
  });

  test('whose content changed since it was planned is refused, and nothing is published', async () => {
    const archive = tarGz(product);
    await job.package('installer', archive);
    const changed = Buffer.from(archive);
    changed[9] = 255; // the gzip header's operating system: the content is the same, the digest is not
    await writeFile(join(job.folder, 'installer.bin'), changed);
    expect(await failure()).toMatchObject({ code: 'SOURCE_CHANGED', context: { package: 'installer' } });
    expect(await readdir(join(root, 'trees'))).toEqual([]);
    expect(await stagingIsEmpty()).toBe(true);
  });

  test('that is cut off is told to have changed, not to be a bad archive', async () => {
    const archive = tarGz({ big: Buffer.alloc(200_000, 'x') });
    await job.package('installer', archive);
    await writeFile(join(job.folder, 'installer.bin'), archive.subarray(0, archive.length - 100));
    expect(await failure()).toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('that is a bad archive, as it was planned, is told to be one', async () => {
    await job.package('installer', tarGz({ big: Buffer.alloc(200_000, 'x') }).subarray(0, 150));
    expect(await failure()).toMatchObject({ code: 'ARCHIVE_INVALID', context: { package: 'installer' } });
  });
});

describe('a remote source', () => {
  const remote = async (answer: RequestListener, content: Buffer) => {
    const url = `${await serve(answer)}/installer.bin`;
    const digest = sha256(content);
    job.inputs[digest] = { kind: 'http', url, size: content.length };
    return job.add('installer', { source: { kind: 'file', name: 'installer.bin', sha256: digest } });
  };

  test.each([
    ['tar', tar(product), unpacked],
    ['tar.gz', tarGz(product), unpacked],
    ['zip', zip(product), unpacked],
    [
      'zip behind something else',
      Buffer.concat([Buffer.from('#!/bin/sh\nexec java -jar "$0"\n'), zip(product)]),
      unpacked,
    ],
    [
      '7z',
      readFileSync(new URL('../../test/archives/seeds/7z-lzma2', import.meta.url)),
      {
        'd/a': 'some text that compresses, '.repeat(40),
        'd/none': '',
        'd/run': 'x #!/bin/sh\n',
      },
    ],
    ['plain file', Buffer.from('hello'), { 'installer.bin': 'hello' }],
  ])('that is a %s gives the same tree as a local one', async (_, content, expected) => {
    const plan = await remote((_request, response) => response.end(content), content);
    await prepare();
    expect(await contentsOf(join(root, 'trees', plan.tree))).toEqual(expected);
    expect(await stagingIsEmpty()).toBe(true);
    const local = new ReleaseJob(job.folder);
    await local.package('installer', content);
    expect(plan.tree).toBe(local.packages[0]?.tree);
  });

  test('that was spoiled on the way once is fetched again', async () => {
    const content = tarGz(product);
    let requests = 0;
    const plan = await remote((_, response) => {
      requests += 1;
      response.end(requests === 1 ? Buffer.from(content).fill(0, 60, 61) : content);
    }, content);
    await prepare();
    expect(await contentsOf(join(root, 'trees', plan.tree))).toEqual(unpacked);
    expect(eventsOf('package.retry')).toHaveLength(1);
  });

  test('that moved is refused with both digests, after a second look', async () => {
    const content = tarGz(product);
    const other = tarGz({ ...product, extra: 'x' });
    let requests = 0;
    await remote((_, response) => {
      requests += 1;
      response.end(other);
    }, content);
    const error = await failure();
    expect(error).toMatchObject({
      code: 'SOURCE_MOVED',
      context: { package: 'installer', expected: sha256(content), found: sha256(other) },
    });
    expect(error.hint).toContain('--update-lock');
    expect(requests).toBe(2);
    const location = job.inputs[sha256(content)];
    if (location?.kind === 'http') job.inputs[sha256(content)] = { ...location, pinnedBy: 'integrity' };
    expect((await failure()).hint).toContain('correct `integrity` in the configuration');
    expect(await readdir(join(root, 'trees'))).toEqual([]);
  });

  test('is taken from its copy where there is one, and fetched where the copy is wrong or gone', async () => {
    const content = tarGz(product);
    let requests = 0;
    const plan = await remote((_, response) => {
      requests += 1;
      response.end(content);
    }, content);
    const cached = join(folder, 'copy');
    const location = job.inputs[sha256(content)];
    if (location?.kind === 'http') job.inputs[sha256(content)] = { ...location, cached };
    const results: number[] = [];
    for (const copy of [content, tarGz({ other: 'other' }), Buffer.from('garbage'), undefined]) {
      requests = 0;
      await rm(cached, { force: true });
      if (copy) await writeFile(cached, copy);
      await rm(root, { recursive: true, force: true });
      await prepare();
      expect(await contentsOf(join(root, 'trees', plan.tree))).toEqual(unpacked);
      results.push(requests);
    }
    expect(results).toEqual([0, 1, 1, 1]);
  });
});

describe('a failure', () => {
  test('of a step names package and step, leaves no tree of it and no staging, and keeps what was published', async () => {
    await job.package('good', tar({ a: 'a' }));
    await prepare();
    const bad = await job.package('bad', tarGz(product), {
      steps: [{ kind: 'replace', files: ['bin/*.sh'], from: 'apt', to: 'dnf', regex: false, optional: false }],
    });
    expect(await failure()).toMatchObject({
      code: 'STEP_NO_EFFECT',
      context: { package: 'bad', step: 1, stepKind: 'replace' },
    });
    expect(await readdir(join(root, 'trees'))).not.toContain(bad.tree);
    expect(await readRelease(root, job.plan.release)).toBeUndefined();
    expect(await stagingIsEmpty()).toBe(true);
  });

  test('ends no other package, and all are told at once, in the order of the plan', async () => {
    const wrong = {
      kind: 'replace' as const,
      files: ['bin/*.sh'],
      from: 'apt',
      to: 'dnf',
      regex: false,
      optional: false,
    };
    await job.package('c-no-archive', 'hello', { extract: { strip: 0 } });
    await job.package('a-wrong-step', tarGz(product), { steps: [wrong] });
    const good = await job.package('b-good', tarGz({ ...product, 'large.bin': 'x'.repeat(3_000_000) }));
    const error = await failure();
    expect(error).toMatchObject({ code: 'STEP_NO_EFFECT', context: { packages: ['a-wrong-step', 'c-no-archive'] } });
    expect(error.message).toMatch(/^2 errors:\n- .*changed nothing.*\n- /);
    expect(error.errors).toMatchObject([
      { code: 'STEP_NO_EFFECT', context: { package: 'a-wrong-step', step: 1, stepKind: 'replace' } },
      { code: 'ARCHIVE_UNSUPPORTED', context: { package: 'c-no-archive' } },
    ]);
    expect((await readdir(join(root, 'trees'))).filter((name) => !name.endsWith('.mtree'))).toEqual([good.tree]);
    expect(await readRelease(root, job.plan.release)).toBeUndefined();
    expect(await stagingIsEmpty()).toBe(true);
  });

  test('of the inputs of several packages is told of all of them, before any work', async () => {
    await job.package('a', tarGz(product));
    await job.package('b', tarGz({ b: 'b' }));
    await job.package('c', tarGz({ c: 'c' }));
    for (const id of ['a', 'c']) await rm(join(job.folder, `${id}.bin`));
    const error = await failure();
    expect(error.errors).toMatchObject([
      { code: 'CONFIG_FILE_MISSING', context: { package: 'a' } },
      { code: 'CONFIG_FILE_MISSING', context: { package: 'c' } },
    ]);
    expect(eventsOf('package.started')).toEqual([]);
  });

  test('stops the other packages where it is to fail fast, and is the one that is told', async () => {
    const content = tarGz(product);
    let closed = false;
    const url = await serve((request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 20));
      request.socket.on('close', () => {
        closed = true;
      });
    });
    job.inputs[sha256(content)] = { kind: 'http', url, size: content.length };
    job.add('slow', { source: { kind: 'file', name: 'slow.bin', sha256: sha256(content) } });
    await job.package('bad', 'hello', { extract: { strip: 0 } });
    expect(await failure({ failFast: true })).toMatchObject({
      code: 'ARCHIVE_UNSUPPORTED',
      context: { package: 'bad' },
    });
    await expect.poll(() => closed).toBe(true);
    expect(await stagingIsEmpty()).toBe(true);
  });

  test.each([
    ['source', () => rm(join(job.folder, 'installer.bin'))],
    ['patch', () => rm(join(job.folder, 'fix.patch'))],
    ['script', () => rm(join(job.folder, 'boot.sh'))],
  ])('for a missing %s comes before any work', async (_, remove) => {
    const patch = await job.file('fix.patch', 'no patch');
    await job.script('boot.sh', '#!/bin/sh\n');
    await job.package('installer', tarGz(product), {
      steps: [{ kind: 'patch', patches: [{ name: 'fix.patch', sha256: patch }], strip: 1, fuzz: 0, optional: false }],
    });
    await remove();
    expect(await failure()).toMatchObject({ code: 'CONFIG_FILE_MISSING' });
    expect(eventsOf('package.started')).toEqual([]);
  });

  test('for want of space comes before the first byte, with what is needed and what is free', async () => {
    const pretends = zip({ 'huge.bin': 'x' });
    // The directory says how large its entries are: here a terabyte's quarter, at both places.
    const size = 0xfffffff0;
    const central = pretends.indexOf('PK\x01\x02');
    pretends.writeUInt32LE(size, central + 24);
    const files = Array.from({ length: 200 }, () => pretends.subarray(central, pretends.indexOf('PK\x05\x06')));
    const end = Buffer.from(pretends.subarray(pretends.indexOf('PK\x05\x06')));
    end.writeUInt16LE(200, 8);
    end.writeUInt16LE(200, 10);
    end.writeUInt32LE(Buffer.concat(files).length, 12);
    for (const [i, file] of files.entries()) {
      files[i] = Buffer.from(file);
      files[i].write(`${i}`.padStart(8, '0'), 46);
    }
    await job.package('huge', Buffer.concat([pretends.subarray(0, central), ...files, end]));
    const error = await failure();
    expect(error).toMatchObject({ code: 'DISK_FULL' });
    expect(error.message).toMatch(/800 GiB are needed, [\d.]+ \wiB are free/);
    expect(eventsOf('package.started')).toEqual([]);
  });
});

describe('a preparation', () => {
  test('that is aborted ends with the reason, and leaves no staging', async () => {
    const life = new AbortController();
    const url = await serve((_, response) => {
      response.writeHead(200);
      response.write('x', () => life.abort(new Error('enough')));
    });
    job.inputs[sha256('x')] = { kind: 'http', url };
    job.add('slow', { source: { kind: 'file', name: 'slow.bin', sha256: sha256('x') }, extract: false });
    expect((await failure({ signal: life.signal })).message).toBe('enough');
    expect(await stagingIsEmpty()).toBe(true);
  });

  test('finds the lock taken, or waits for it', async () => {
    await job.package('installer', tarGz(product));
    const lease = await acquireLease(storePaths(root).lock, { run: 'other', purpose: 'prepare' }, { wait: false });
    expect(await failure()).toMatchObject({ code: 'LOCKED' });
    const waiting = prepare({ wait: true });
    await expect
      .poll(() => eventsOf('notice').map(({ message }) => message))
      .toEqual([expect.stringContaining('Waiting for run other')]);
    await lease.release();
    expect((await waiting).release).toBe(job.plan.release);
  });

  test('stops when another run has taken its lock', async () => {
    const url = await serve((_, response) => void response.writeHead(200).write('x'));
    job.inputs[sha256('x')] = { kind: 'http', url };
    job.add('slow', { source: { kind: 'file', name: 'slow.bin', sha256: sha256('x') }, extract: false });
    const preparing = failure();
    await expect.poll(() => eventsOf('package.started')).toHaveLength(1);
    const { lock } = storePaths(root);
    const thief = { ...JSON.parse(await readFile(lock, 'utf8')), lease: 'another' };
    await writeFile(lock, JSON.stringify(thief));
    expect(await preparing).toMatchObject({ code: 'LEASE_LOST' });
    expect(await stagingIsEmpty()).toBe(true);
  });

  test.each([
    ['is at work', false],
    ['has done its work', true],
  ])(
    'whose lock was deleted, and whose staging was collected by another, which %s, has lost its lock',
    async (_, done) => {
      const content = tarGz(product);
      let answer: (() => void) | undefined;
      const url = await serve((_, response) => {
        answer = () => void response.end(content);
      });
      job.inputs[sha256(content)] = { kind: 'http', url, size: content.length };
      job.add('slow', { source: { kind: 'file', name: 'slow.tgz', sha256: sha256(content) } });
      const preparing = failure();
      await expect.poll(() => answer).toBeDefined();
      const { lock, staging } = storePaths(root);
      await unlink(lock);
      // A preparer of another machine, as far as this one can tell: of its own machine it would know that the process lives.
      const [run = ''] = await readdir(staging);
      const owner = join(staging, run, '.owner');
      await writeFile(owner, JSON.stringify({ ...JSON.parse(await readFile(owner, 'utf8')), machine: 'another' }));
      const other = await acquireLease(lock, { run: 'other', purpose: 'prepare' }, { wait: false });
      await collectLeftovers(root);
      if (done) await other.release();
      answer?.();
      expect(await preparing).toMatchObject({
        code: 'LEASE_LOST',
        message: expect.stringContaining(lock),
        hint: expect.stringContaining('finished work is kept'),
        cause: { code: 'STORE_IO' },
      });
      await other.release();
    },
  );

  test('clears away what a dead run has left, and says so', async () => {
    await mkdir(join(root, '.staging/dead/installer'), { recursive: true });
    await job.package('installer', tarGz(product));
    await prepare();
    expect(eventsOf('store.collected')).toEqual([{ type: 'store.collected', removed: 1 }]);
    expect(await stagingIsEmpty()).toBe(true);
  });
});
