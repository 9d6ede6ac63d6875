import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finished, start } from '../prestage.js';
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

test('prestage deploy after its worker was killed (SIGKILL) at each of 50 random moments', {
  timeout: 240_000,
}, async () => {
  const sample = await largerProject();
  const started = performance.now();
  const undisturbed = await sample.run('deploy --prepare-files-only --json');
  const wholeMs = performance.now() - started;
  expect(undisturbed.result.ok).toBe(true);
  const expected = undisturbed.result.packages.map((item) => 'digest' in item && item.digest);

  const random = seeded(2024);
  const known = new Set<number>();
  let interrupted = 0;
  await sample.run('destroy --purge --yes');
  for (let kill = 0; kill < 50; kill++) {
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
      expect(await staging(sample)).toEqual([]);
      await sample.run('destroy --purge --yes');
    } else {
      interrupted += 1;
      expect(run.result.error.code).toBe('WORKER_DIED');
    }
  }
  expect(interrupted).toBeGreaterThan(10);

  const last = await sample.run('deploy --prepare-files-only --json');
  expect(last.result).toMatchObject({ ok: true, release: undisturbed.result.release });
  expect(last.result.packages.map((item) => 'digest' in item && item.digest)).toEqual(expected);
  expect(await staging(sample)).toEqual([]);
  expect((await sample.run('verify --deep --json')).result).toMatchObject({ ok: true, differences: [] });
});

test('prestage deploy, killed: its worker goes on, and the next prestage deploy attaches to it', async () => {
  const sample = await largerProject();
  const first = start('deploy --prepare-files-only --json', { cwd: sample.folder });
  const firstDone = finished(first);
  await workerPid(sample, new Set());
  first.kill('SIGKILL');
  await firstDone;
  const second = await sample.run('deploy --prepare-files-only --json');
  expect(second.result.ok).toBe(true);
  const runs = await readdir(join(sample.root, 'runs'));
  const attached = second.events.some((event) => event.type === 'worker.attached');
  // The worker may have been done before the second command looked: then everything was ready.
  expect(attached || second.result.phase1 === 'ready').toBe(true);
  expect(runs).toHaveLength(1);
  expect(existsSync(join(sample.root, '.lock'))).toBe(false);
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
