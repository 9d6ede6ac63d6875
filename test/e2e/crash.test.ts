import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finished, type Run, start } from '../prestage.js';
import { seeded } from '../random.js';
import { type Sample, sampleProject } from '../sample-project.js';
import { until } from '../until.js';

/** Enough files that a preparation can be interrupted in the middle of every part of it. */
async function largerProject(): Promise<Sample> {
  const sample = await sampleProject((config) => {
    config.services = {};
  });
  for (let part = 1; part <= 4; part++) {
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`folder${n % 10}/file${n}.txt`, `part ${part} file ${n}\n`.repeat(50)]),
    );
    await sample.archive(`part${part}`, files);
    sample.config.packages[`part${part}`] = {
      source: `files/part${part}.tar.gz`,
      steps: [{ replace: { files: '**/file1?.txt', from: 'file', to: 'FILE' } }],
    };
  }
  await sample.save();
  return sample;
}

const treesOf = async ({ root }: Sample) =>
  (await readdir(join(root, 'trees')).catch(() => [])).filter((name) => !name.endsWith('.mtree'));
const staging = ({ root }: Sample) => readdir(join(root, '.staging')).catch(() => []);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const digestsOf = ({ result }: Run) => result.packages.map((item) => 'digest' in item && item.digest);

/** The worker's process: the newest run's. */
async function workerPid({ root }: Sample, known: ReadonlySet<number>): Promise<number> {
  return until('a worker to start', async () => {
    for (const run of (await readdir(join(root, 'runs')).catch(() => [])).sort().reverse()) {
      const text = await readFile(join(root, 'runs', run, 'agent.json'), 'utf8').catch(() => '');
      const { pid } = text ? (JSON.parse(text) as { pid: number }) : { pid: 0 };
      if (pid && !known.has(pid)) return pid;
    }
    return undefined;
  });
}

test('prestage deploy after its worker was killed (SIGKILL) at each of 20 random moments', {
  timeout: 240_000,
}, async () => {
  const sample = await largerProject();
  const started = performance.now();
  const undisturbed = await sample.run('deploy --prepare-files-only --json');
  const wholeMs = performance.now() - started;
  expect(undisturbed.result.ok).toBe(true);
  const expected = digestsOf(undisturbed);
  expect(expected.filter(Boolean)).toHaveLength(6);

  const random = seeded(2024);
  const known = new Set<number>();
  let interrupted = 0;
  await sample.run('destroy --purge --yes');
  for (let kill = 0; kill < 20; kill++) {
    const before = new Set(await treesOf(sample));
    const command = start('deploy --prepare-files-only --json', { cwd: sample.folder });
    const done = finished(command);
    const pid = await Promise.race([workerPid(sample, known), done.then(() => 0)]);
    if (pid) {
      known.add(pid);
      await new Promise((resolve) => setTimeout(resolve, random() * wholeMs * 0.6));
      try {
        process.kill(pid, 'SIGKILL');
      } catch {} // it had ended
    }
    const run = await done;
    // What was published before is never prepared again.
    const again = run.events.filter(
      (event) => event.type === 'package.published' && !event.reused && before.has(event.tree),
    );
    expect(again).toEqual([]);
    if (run.status === 0) {
      expect(digestsOf(run)).toEqual(expected);
      expect(await staging(sample)).toEqual([]);
      await sample.run('destroy --purge --yes');
    } else {
      interrupted += 1;
      expect(run.result.error.code).toBe('WORKER_DIED');
    }
  }
  expect(interrupted).toBeGreaterThan(4);

  const last = await sample.run('deploy --prepare-files-only --json');
  expect(last.result).toMatchObject({ ok: true, release: undisturbed.result.release });
  expect(digestsOf(last)).toEqual(expected);
  expect(await staging(sample)).toEqual([]);
  expect((await sample.run('verify --deep --json')).result).toMatchObject({ ok: true, differences: [] });
});

test('prestage deploy, killed: its worker goes on, and the next prestage deploy attaches to it', async () => {
  const sample = await largerProject();
  const first = start('deploy --prepare-files-only --json', { cwd: sample.folder });
  const firstDone = finished(first);
  const worker = await workerPid(sample, new Set());
  // A worker whose command was killed before it said what to do is none that can be followed.
  await until('the worker to be told what to do', async () => {
    const [run = ''] = await readdir(join(sample.root, 'runs'));
    return existsSync(join(sample.root, 'runs', run, 'job.json'));
  });
  // Stopped until the second command has attached, so that it cannot be done before.
  process.kill(worker, 'SIGSTOP');
  first.kill('SIGKILL');
  await firstDone;
  expect(isAlive(worker)).toBe(true);

  const second = start('deploy --prepare-files-only --json', { cwd: sample.folder });
  let said = '';
  second.stdout?.on('data', (text) => {
    said += text;
  });
  const secondDone = finished(second);
  try {
    await until('the second command to attach', () => said.includes('"worker.attached"') || second.exitCode !== null);
  } finally {
    process.kill(worker, 'SIGCONT');
  }
  const { result, events } = await secondDone;
  expect(result).toMatchObject({ ok: true, phase1: 'prepared' });
  const runs = await readdir(join(sample.root, 'runs'));
  expect(runs).toHaveLength(1);
  expect(events).toContainEqual(expect.objectContaining({ type: 'worker.attached', run: runs[0] }));
  expect(existsSync(join(sample.root, '.lock'))).toBe(false);
});

/** Makes whatever starts an agent kill itself (SIGKILL) instead, or right after it. */
const KILLED_AT_START = (moment: 'before' | 'after') => `
import children from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
const { spawn } = children;
children.spawn = (command, args, options) => {
  const isAgent = args.some((argument) => argument.endsWith('agent.js'));
  if (isAgent && '${moment}' === 'before') process.kill(process.pid, 'SIGKILL');
  const child = spawn(command, args, options);
  if (isAgent) process.kill(process.pid, 'SIGKILL');
  return child;
};
syncBuiltinESMExports();`;

test.each(['before', 'after'] as const)(
  'prestage deploy, killed in the moment %s it starts its worker: the next one starts another at once',
  async (moment) => {
    const sample = await largerProject();
    await sample.write('killed.mjs', KILLED_AT_START(moment));
    const killed = await sample.run('deploy --prepare-files-only --json', {
      env: { NODE_OPTIONS: `--import ${join(sample.folder, 'killed.mjs')}` },
    });
    expect(killed.signal).toBe('SIGKILL');
    const { result, events } = await sample.run('deploy --prepare-files-only --json');
    expect(result).toMatchObject({ ok: true, phase1: 'prepared' });
    expect(events).not.toContainEqual(expect.objectContaining({ type: 'worker.attached' }));
    // Neither waits for the other: the one that was started first was never told what to do.
    expect(await readdir(join(sample.root, 'runs'))).toHaveLength(2);
    expect(await staging(sample)).toEqual([]);
  },
);

test('prestage status lists the worker while it lives, and what it left when it was killed', async () => {
  const sample = await largerProject();
  const temporary = async () => (await sample.run('status --json')).result.temporary;
  const deploying = finished(start('deploy --prepare-files-only --json', { cwd: sample.folder }));
  const worker = await workerPid(sample, new Set());
  const [run] = await until('its staging', async () => {
    const runs = await staging(sample);
    return runs.length > 0 && runs;
  });
  process.kill(worker, 'SIGSTOP'); // so that it is at work for as long as it is looked at
  try {
    expect(await temporary()).toContainEqual({
      kind: 'worker',
      id: run,
      detail: expect.stringMatching(/^prepares release [0-9a-f]{16}$/),
    });
  } finally {
    process.kill(worker, 'SIGKILL');
  }
  expect((await deploying).result.error.code).toBe('WORKER_DIED');
  expect(await temporary()).toEqual([
    { kind: 'leftover', id: run, detail: 'of a run that died; the next preparation removes it' },
  ]);
  const text = await sample.run('status');
  expect(text.stdout + text.stderr).toMatch(new RegExp(`leftover.*${run}|${run}.*leftover`));

  await sample.run('deploy --prepare-files-only');
  expect(await temporary()).toEqual([]);
});

test('prestage deploy, interrupted by Ctrl-C (SIGINT), exits 130 and loses nothing', async () => {
  const sample = await largerProject();
  const first = start('deploy --prepare-files-only --json', { cwd: sample.folder });
  const done = finished(first);
  await workerPid(sample, new Set());
  first.kill('SIGINT');
  const interrupted = await done;
  expect(interrupted.status).toBe(130);
  expect(interrupted.result.error.code).toBe('INTERRUPTED');
  expect((await sample.run('deploy --prepare-files-only --json')).result).toMatchObject({ ok: true });
  expect(await readdir(join(sample.root, 'runs'))).toHaveLength(1);
  expect(await staging(sample)).toEqual([]);
});

test('two prestage deploy at once: one waits with --wait, or exits 4 without', async () => {
  const sample = await largerProject();
  const one = finished(start('deploy --json', { cwd: sample.folder }));
  await workerPid(sample, new Set());
  const two = await sample.run('deploy --json');
  expect(two.status).toBe(4);
  expect(two.result.error.code).toBe('LOCKED');
  expect(two.result.error.hint).toMatch(/--wait/);
  expect((await one).result.ok).toBe(true);

  await sample.run('destroy --purge --yes');
  const both = await Promise.all(['deploy --wait --json', 'deploy --wait --json'].map((line) => sample.run(line)));
  expect(both.map((run) => run.status)).toEqual([0, 0]);
  expect(new Set(both.map((run) => run.result.release)).size).toBe(1);
  expect(await staging(sample)).toEqual([]);
});
