import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mountLatency } from '../../test/latencyfs/mount.js';
import { lacks } from '../../test/requirements.js';
import type { PrestageEvent } from '../core/events.js';
import { planRelease } from '../plan/recipe.js';
import { followRun, runningAgent } from './follow.js';
import type { AgentJob } from './job.js';
import { startAgent } from './start.js';

/** Programs that behave as an agent might; what a real one does is tested in run-agent.test.ts. */
let folder: string;
let runFolder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-agent-'));
  runFolder = join(folder, 'runs', 'r1');
});
afterEach(() => rm(folder, { recursive: true }));

const job: AgentJob = {
  version: 1,
  run: 'r1',
  root: '/nowhere',
  task: {
    kind: 'prepare',
    plan: planRelease('portal', [], []),
    inputs: { ['0'.repeat(64)]: { kind: 'http', url: 'https://user:sesame@host/a' } },
  },
  waitForLock: false,
  deadlineMs: 60_000,
  createdBy: 'prestage 0.0.0',
};

async function start(program: string) {
  const bundle = join(folder, 'agent.mjs');
  await writeFile(
    bundle,
    `import fs from 'node:fs'; const put = (n, t) => { const f = process.argv[2] + '/' + n; fs.writeFileSync(f + '.new', t); fs.renameSync(f + '.new', f); };\n${program}`,
  );
  return startAgent({ runFolder, job, bundle });
}

async function follow() {
  const events: PrestageEvent[] = [];
  const signal = new AbortController().signal;
  const result = await followRun({ runFolder, emit: (event) => events.push(event), signal });
  return { result, events };
}

const failure = { ok: false, error: { code: 'DISK_FULL', message: 'full', context: {} } };

test('an agent gets its job in a file that only its owner may read', async () => {
  await start(
    `const job = process.argv[2] + '/job.json';
    while (!fs.existsSync(job));
    put('result.json', JSON.stringify({ok: false, error: {code: 'INTERNAL', message: fs.readFileSync(job, 'utf8'), context: {}}}))`,
  );
  const { result } = await follow();
  expect(result.ok ? undefined : JSON.parse(result.error.message)).toEqual(job);
  expect((await stat(join(runFolder, 'job.json'))).mode & 0o777).toBe(0o600);
});

test('an agent has a session and a thread pool of its own', async () => {
  const { pid } = await start(`console.log('threads', process.env.UV_THREADPOOL_SIZE);
    console.error('session', fs.existsSync('/proc') ? fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[3] : process.pid)`);
  await follow();
  const log = await readFile(join(runFolder, 'worker.log'), 'utf8');
  expect(log).toContain('threads 64');
  expect(log).toContain(`session ${pid}\n`);
});

test('following gives all events, also those from before, and the result', async () => {
  await start(`put('events.ndjson', '{"type":"notice","message":"a"}\\n{"type":"notice","message":"b"}\\n');
    put('result.json', ${JSON.stringify(JSON.stringify(failure))})`);
  const expected = {
    result: failure,
    events: [
      { type: 'notice', message: 'a' },
      { type: 'notice', message: 'b' },
    ],
  };
  expect(await follow()).toEqual(expected);
  expect(await follow()).toEqual(expected);
});

test.skipIf(lacks('fuse', 'gcc'))('following opens no file again and again while an agent works', async () => {
  const { folder: slow, unmount } = await mountLatency(join(folder, 'backing'), { rttUs: 0 });
  runFolder = join(slow, 'r1');
  try {
    await start(`put('events.ndjson', '{"type":"notice","message":"a"}\\n');
      setTimeout(() => put('result.json', ${JSON.stringify(JSON.stringify(failure))}), 2000)`);
    expect(await follow()).toEqual({ result: failure, events: [{ type: 'notice', message: 'a' }] });
  } finally {
    const operations = await unmount();
    // 3 files, 25 times a second, it was.
    expect(operations.get('open')).toBeLessThan(20);
  }
});

describe('an agent without a result', () => {
  test('that ended by itself is reported with its last words', async () => {
    await start(`put('events.ndjson', '{"type":"notice","message":"a"}\\n'); throw new Error('out of luck')`);
    const { result, events } = await follow();
    expect(result).toMatchObject({ ok: false, error: { code: 'WORKER_DIED' } });
    expect(JSON.stringify(result)).toContain('out of luck');
    expect(events).toEqual([{ type: 'notice', message: 'a' }]);
  });

  test('that was killed is reported, also to those who did not start it', async () => {
    const { pid } = await start('setInterval(() => {}, 1000)');
    expect(await runningAgent(runFolder)).toMatchObject({ pid });
    process.kill(pid, 'SIGKILL');
    expect((await follow()).result).toMatchObject({ ok: false, error: { code: 'WORKER_DIED' } });
    expect(await runningAgent(runFolder)).toBeUndefined();
  });

  test('is not mistaken for another program that got its pid', async () => {
    const { pid } = await start('setInterval(() => {}, 1000)');
    process.kill(pid, 'SIGKILL');
    await follow();
    await writeFile(join(runFolder, 'agent.json'), JSON.stringify({ pid: process.pid, started: 'another boot/1' }));
    expect((await follow()).result).toMatchObject({ ok: false, error: { code: 'WORKER_DIED' } });
  });

  test('of which this run folder is a copy is not taken for its own', async () => {
    const { pid } = await start('setInterval(() => {}, 1000)');
    const copy = `${runFolder}-copy`;
    await cp(runFolder, copy, { recursive: true });
    expect(await runningAgent(runFolder)).toMatchObject({ pid });
    expect(await runningAgent(copy)).toBeUndefined();
    const moved = `${runFolder}-moved`;
    await rename(runFolder, moved);
    expect(await runningAgent(moved)).toMatchObject({ pid });
    process.kill(pid, 'SIGKILL');
  });

  test('that was never started is reported at once', async () => {
    await mkdir(runFolder, { recursive: true });
    await writeFile(join(runFolder, 'job.json'), JSON.stringify(job));
    expect(await runningAgent(runFolder)).toBeUndefined();
    expect((await follow()).result).toMatchObject({ ok: false, error: { code: 'WORKER_DIED' } });
  });
});

test('following ends with the reason of its signal, and the agent goes on', async () => {
  const { pid } = await start('setInterval(() => {}, 1000)');
  const life = new AbortController();
  const following = followRun({ runFolder, emit: () => {}, signal: life.signal });
  life.abort(new Error('enough'));
  await expect(following).rejects.toThrow('enough');
  expect(await runningAgent(runFolder)).toMatchObject({ pid });
  process.kill(pid, 'SIGKILL');
});
