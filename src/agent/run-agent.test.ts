import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seeded } from '../../test/random.js';
import { isEmptyOrAbsent, ReleaseJob } from '../../test/release-job.js';
import { lacks } from '../../test/requirements.js';
import { tar, tarGz } from '../../test/small-archives.js';
import { sha256 } from '../core/digest.js';
import type { PrestageEvent } from '../core/events.js';
import { installedFile } from '../core/installation.js';
import { collectLeftovers, readRelease } from '../store/index.js';
import { followRun } from './follow.js';
import type { AgentJob } from './job.js';
import { startAgent } from './start.js';

/** As it ships, in a process of its own. */
const agent = installedFile('dist/agent/agent.js');

let programs: string;
let folder: string;
let root: string;
let job: ReleaseJob;
let server: Server | undefined;
let runs = 0;

beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'prestage-programs-'));
  const starter = `
    import { readFileSync } from 'node:fs';
    import { startAgent } from './src/agent/start.js';
    await startAgent(JSON.parse(readFileSync(process.argv[2], 'utf8')));
    console.log('started');
    setInterval(() => {}, 1000);`;
  await build({
    stdin: { contents: starter, resolveDir: process.cwd() },
    outfile: join(programs, 'starter.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
});
afterAll(() => rm(programs, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-run-agent-'));
  root = join(folder, 'store');
  job = new ReleaseJob(join(folder, 'files'));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

function agentJob(more: Partial<AgentJob> = {}): AgentJob {
  runs += 1;
  return {
    version: 1,
    run: `run-${runs}`,
    root,
    task: { kind: 'prepare', plan: job.plan, inputs: job.inputs },
    waitForLock: false,
    deadlineMs: 60_000,
    createdBy: 'prestage 0.1.0',
    ...more,
  };
}

const runFolder = () => join(folder, 'runs', `run-${runs}`);

async function start(more: Partial<AgentJob> = {}): Promise<number> {
  const job = agentJob(more);
  return (await startAgent({ runFolder: runFolder(), job, bundle: agent })).pid;
}

async function follow(emit: (event: PrestageEvent) => void = () => {}) {
  const events: PrestageEvent[] = [];
  const signal = new AbortController().signal;
  const result = await followRun({
    runFolder: runFolder(),
    signal,
    emit: (event) => {
      events.push(event);
      emit(event);
    },
  });
  return { result, events };
}

/** A package whose source does not come before it is let through. */
async function slowPackage(): Promise<{ asked: Promise<void>; letThrough: () => void; url: string }> {
  const content = tarGz({ 'slow.txt': 'slow' });
  let answer: ServerResponse | undefined;
  let onAsked = (): void => {};
  const asked = new Promise<void>((resolve) => {
    onAsked = resolve;
  });
  let isOpen = false;
  server = createServer((_, response) => {
    if (isOpen) response.end(content);
    answer = response;
    onAsked();
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const url = `http://user:sesame@127.0.0.1:${(server.address() as AddressInfo).port}/slow.tgz?signature=abracadabra`;
  job.inputs[sha256(content)] = { kind: 'http', url, size: content.length };
  job.add('slow', { source: { kind: 'file', name: 'slow.tgz', sha256: sha256(content) } });
  const letThrough = (): void => {
    isOpen = true;
    answer?.end(content);
  };
  return { asked, url, letThrough };
}

const stagingIsEmpty = () => isEmptyOrAbsent(join(root, '.staging'));

describe('the agent', () => {
  test('prepares the release of its job, and tells of it in its folder alone', async () => {
    await job.package('installer', tarGz({ 'bin/run.sh': '#!/bin/sh\n' }));
    const pid = await start();
    const { result, events } = await follow();
    expect(result).toEqual({ ok: true, record: await readRelease(root, job.plan.release) });
    expect(events.map(({ type }) => type)).toEqual([
      'worker.started',
      'store.measured',
      'package.started',
      'package.published',
      'release.published',
      'worker.finished',
    ]);
    expect(events[0]).toMatchObject({ time: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(JSON.parse(await readFile(join(runFolder(), 'agent.json'), 'utf8'))).toMatchObject({ pid });
    expect(await readFile(join(runFolder(), 'worker.log'), 'utf8')).toBe('');
    expect((await readdir(runFolder())).sort()).toEqual([
      'agent.json',
      'events.ndjson',
      'job.json',
      'result.json',
      'worker.log',
    ]);
  });

  test('has the exit status 0 if and only if it was successful', async () => {
    await job.package('installer', tarGz({ a: 'a' }));
    const run = async (): Promise<unknown> => {
      const content = JSON.stringify(agentJob());
      await mkdir(runFolder(), { recursive: true });
      await writeFile(join(runFolder(), 'job.json'), content);
      const child = spawn(process.execPath, [agent, runFolder()], { stdio: 'ignore' });
      return (await once(child, 'exit'))[0];
    };
    expect(await run()).toBe(0);
    await job.package('bad', 'no archive', { extract: { strip: 0 } });
    expect(await run()).toBe(1);
  });

  test('tells how it failed, with code, hint and place', async () => {
    await job.package('bad', 'no archive', { extract: { strip: 0 } });
    await start();
    const { result, events } = await follow();
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'ARCHIVE_UNSUPPORTED', hint: expect.any(String), context: { package: 'bad' } },
    });
    // The command that follows it can say where in the code it came from; events leave that out.
    const { origin, ...told } = result.ok ? { origin: [] } : result.error;
    expect(origin?.[0]).toMatch(/^at \w+ \(.*:\d+:\d+\)$/);
    expect(events.at(-1)).toMatchObject({ type: 'worker.failed', error: told });
    expect(events.at(-1)).not.toHaveProperty('error.origin');
  });

  test('leaves no credentials in its folder, once it has read them', async () => {
    const { asked } = await slowPackage();
    const pid = await start();
    await asked;
    process.kill(pid, 'SIGTERM');
    await follow();
    for (const name of await readdir(runFolder())) {
      expect(await readFile(join(runFolder(), name), 'utf8')).not.toMatch(/sesame|abracadabra/);
    }
  });

  test.skipIf(lacks('tmpfs'))('on a disk that fills up tells so, there, and clears away what it wrote', async () => {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
    try {
      // What steps unpack in their turn is not known before.
      const members = ['a', 'b'].map((name) => tarGz({ [name]: Buffer.alloc(3_000_000, name) }));
      const archive = gzipSync(tar({ 'inner.tgz': members[0] ?? '', 'other.tgz': members[1] ?? '' }));
      const step = { kind: 'extract', to: '', strip: 0, keep: false, optional: false } as const;
      await job.package('large', archive, {
        steps: [
          { ...step, file: 'inner.tgz' },
          { ...step, file: 'other.tgz' },
        ],
      });
      await start();
      const { result, events } = await follow();
      expect(result).toMatchObject({ ok: false, error: { code: 'DISK_FULL', context: { package: 'large', step: 2 } } });
      expect(events.at(-1)?.type).toBe('worker.failed');
      expect(await stagingIsEmpty()).toBe(true);
    } finally {
      // Lazily: the agent's last breath may still be in there.
      execFileSync('/bin/umount', ['-l', folder]);
    }
  });

  test('whose job is nonsense says so', async () => {
    await start({ task: { nonsense: true } as unknown as AgentJob['task'] });
    expect((await follow()).result).toMatchObject({ ok: false, error: { code: 'INTERNAL' } });
  });

  test('gives files the same modes under any umask', async () => {
    const plan = await job.package('installer', tarGz({ 'bin/run.sh': '#!/bin/sh\n', 'a.txt': 'a' }));
    const umask = process.umask(0o077);
    try {
      await start();
      await follow();
    } finally {
      process.umask(umask);
    }
    const tree = join(root, 'trees', plan.tree);
    const modes = ['', 'bin', 'bin/run.sh', 'a.txt'].map(async (path) => (await stat(join(tree, path))).mode & 0o7777);
    expect(await Promise.all(modes)).toEqual([0o755, 0o755, 0o755, 0o644]);
  });
});

describe('the agent is ended', () => {
  test('by SIGTERM, leaving no staging', async () => {
    const { asked } = await slowPackage();
    await job.package('quick', tarGz({ a: 'a' }));
    const pid = await start();
    await asked;
    process.kill(pid, 'SIGTERM');
    expect((await follow()).result).toMatchObject({ ok: false, error: { code: 'TERMINATED' } });
    expect(await stagingIsEmpty()).toBe(true);
  });

  test('by its deadline', async () => {
    await slowPackage();
    await start({ deadlineMs: 500 });
    expect((await follow()).result).toMatchObject({ ok: false, error: { code: 'WORKER_DEADLINE' } });
    expect(await stagingIsEmpty()).toBe(true);
  });

  test('neither by Ctrl-C nor by the end of the terminal', async () => {
    const { asked, letThrough } = await slowPackage();
    const pid = await start();
    await asked;
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGHUP');
    letThrough();
    expect((await follow()).result).toMatchObject({ ok: true });
  });

  test('not by the death of who started it', async () => {
    const { asked, letThrough } = await slowPackage();
    const options = { job: agentJob(), runFolder: runFolder(), bundle: agent };
    await writeFile(join(folder, 'options.json'), JSON.stringify(options));
    const starter = execFile(process.execPath, [join(programs, 'starter.mjs'), join(folder, 'options.json')]);
    await asked;
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    letThrough();
    expect((await follow()).result).toMatchObject({ ok: true });
  });
});

test('killed when some packages are published and started again, it prepares the others only', async () => {
  const { asked, letThrough } = await slowPackage();
  for (const id of ['a', 'b']) await job.package(id, tarGz({ [id]: id }));
  const pid = await start();
  let published = 0;
  const killed = await follow(({ type }) => {
    if (type === 'package.published') published += 1;
    if (published === 2) killIfThere(pid);
  });
  expect(killed.result).toMatchObject({ ok: false, error: { code: 'WORKER_DIED' } });
  expect(await stagingIsEmpty()).toBe(false);

  await asked;
  letThrough();
  await start();
  const again = await follow();
  expect(again.result).toMatchObject({ ok: true });
  expect(again.events).toContainEqual(expect.objectContaining({ type: 'store.collected', removed: 1 }));
  expect(again.events.flatMap((event) => (event.type === 'package.started' ? [event.package] : []))).toEqual(['slow']);
  expect(await stagingIsEmpty()).toBe(true);
});

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was faster.
  }
}

test('killed at any moment and started again, it ends in the same place, and does nothing twice', async () => {
  const random = seeded(4);
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`d${i % 7}/${i}.txt`, 'x'.repeat(i * 500)]));
  for (let i = 0; i < 6; i += 1) await job.package(`p${i}`, tarGz({ ...files, [`own-${i}`]: `${i}` }));
  const reference = join(folder, 'reference');
  const began = performance.now();
  await start({ root: reference });
  const expected = (await follow()).result;
  const durationMs = performance.now() - began;
  const digests = (result: typeof expected) => (result.ok ? result.record?.packages : result);

  for (let round = 0; round < 6; round += 1) {
    await rm(root, { recursive: true, force: true });
    const pid = await start();
    await sleep(random() * durationMs); // the moment is the input of this test
    killIfThere(pid);
    const killed = await follow();
    const published = killed.events.flatMap((event) => (event.type === 'package.published' ? [event.package] : []));
    await start();
    const { result, events } = await follow();
    expect(digests(result)).toEqual(digests(expected));
    // Killed in the moment after the release had its name: the second run found all done, and left that staging to the next.
    if (!events.some(({ type }) => type === 'release.published')) await collectLeftovers(root);
    expect(await stagingIsEmpty()).toBe(true);
    const doneAgain = events.flatMap((event) => (event.type === 'package.started' ? [event.package] : []));
    expect(doneAgain.filter((id) => published.includes(id))).toEqual([]);
  }
});
