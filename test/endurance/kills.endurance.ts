import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { livenessOf, type ProcessIdentity } from '../../src/core/process-identity.js';
import { verifyStore } from '../../src/store/verify.js';
import { rootId } from '../../src/targets/local/layout.js';
import { findMarked } from '../../src/targets/local/processes/marked.js';
import { mountLatency } from '../latencyfs/mount.js';
import { finished, type Run, start } from '../prestage.js';
import { seeded } from '../random.js';
import { lacks } from '../requirements.js';
import { type Sample, sampleProject } from '../sample-project.js';

/** How many processes are killed, and how many of one command before it is left to come to its end. */
const KILLS = 200;
const IN_A_ROW = 5;
/** Where the disk is slow, those of this long a time, milliseconds, but no fewer than this many. */
const TIME = 420_000;
const FEWEST = 100;
/** No command takes this long, in milliseconds: it hangs, or waits for what a dead process will not do. */
const HANGS = 60_000;

interface Command {
  line: (releases: readonly string[]) => string;
  color: 'red' | 'blue';
  /** What is on the hosts and in the store when it is done, as numbers of the releases; undefined: nothing. */
  after: { current: number; releases: readonly number[] } | undefined;
}

/** A life, which ends where it began, so that it can be lived again. */
const LIFE: readonly Command[] = [
  { line: () => 'deploy', color: 'red', after: { current: 0, releases: [0] } },
  { line: () => 'deploy', color: 'blue', after: { current: 1, releases: [0, 1] } },
  { line: ([first]) => `rollback ${first}`, color: 'blue', after: { current: 0, releases: [0, 1] } },
  { line: () => 'prune --keep 1 --yes', color: 'blue', after: { current: 0, releases: [0] } },
  { line: () => 'destroy --purge --yes', color: 'blue', after: undefined },
];

test.skipIf(lacks('fuse', 'gcc'))(
  `killed (SIGKILL) at ${KILLS} random moments of deploy, rollback, prune and destroy, on a slow file system, all end in the same place`,
  async () => {
    const sample = await projectOnSlowDisk();
    // Undisturbed: what each command comes to, and how long it takes.
    const releases: string[] = [];
    const digests: string[] = [];
    const durations: number[] = [];
    for (const command of LIFE) {
      const started = performance.now();
      const run = await perform(sample, command, releases);
      durations.push(performance.now() - started);
      expect(run.result, run.stderr).toMatchObject({ ok: true });
      if (command.line([]) === 'deploy') {
        releases.push(run.result.release);
        digests.push(digestsOf(run));
      }
    }

    const random = seeded(2026);
    const killed = { command: 0, worker: 0 };
    const all = () => killed.command + killed.worker;
    const end = performance.now() + TIME;
    const goesOn = () => all() < (performance.now() < end ? KILLS : FEWEST);
    for (let step = 0; goesOn(); step = (step + 1) % LIFE.length) {
      const command = LIFE[step] as Command;
      for (let time = 0; time < IN_A_ROW; time += 1) {
        const worker = command.line([]) === 'deploy' && random() < 0.5;
        const started = performance.now();
        const running = await begin(sample, command, releases);
        const done = ended(running);
        // A worker lives for a part of its command only: it is waited for first.
        if (worker) await newWorker(sample, running);
        await Promise.race([sleep(random() * (durations[step] ?? 0) * (worker ? 0.3 : 1)), done]);
        const pid = worker ? await workerOf(sample) : running.exitCode === null && running.pid;
        if (pid && kill(pid)) killed[worker ? 'worker' : 'command'] += 1;
        const { signal } = await done;
        // Moments follow what commands take now: with a first life on a disk that was busy, most would come too late.
        if (!worker && signal === null) durations[step] = ((durations[step] ?? 0) + performance.now() - started) / 2;
      }
      const last = await perform(sample, command, releases);
      expect(last.result, `${command.line(releases)} after ${all()} kills: ${last.stderr}`).toMatchObject({ ok: true });
      if (command.line([]) === 'deploy') expect(digestsOf(last)).toBe(digests[command.color === 'red' ? 0 : 1]);
      await expectState(sample, command, releases);
    }
    console.log(`killed: ${killed.command} commands and ${killed.worker} workers`);
    expect(killed.command).toBeGreaterThan(FEWEST / 2);
    expect(killed.worker).toBeGreaterThan(0);
  },
);

/** Several hosts: one that boots, and two that run until they are stopped. */
async function projectOnSlowDisk(): Promise<Sample> {
  const sample = await sampleProject((config) => {
    config.services = {
      jump: { role: 'jump', boot: 'hosts/jump.sh' },
      app: { run: 'hosts/app.sh', after: ['jump'], needs: ['app', 'extras'], count: 2 },
    };
  });
  await sample.write('hosts/jump.sh', '#!/bin/sh\ntest -f "$PRESTAGE_ROOT/extras/readme.txt"\n', 0o755);
  await sample.write(
    'hosts/app.sh',
    '#!/bin/sh\ntest -f "$PRESTAGE_ROOT/extras/readme.txt" && exec sleep 600\n',
    0o755,
  );
  for (const color of ['red', 'blue'])
    await sample.archive(color, {
      'readme.txt': `extras in ${color}\n`,
      ...Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`lib${n % 6}/file${n}`, `${color} ${n}\n`])),
    });
  const { folder, unmount } = await mountLatency(join(sample.folder, 'backing'), { rttUs: 500 });
  sample.config.environments = { local: { target: 'local', root: join(folder, 'root') } };
  sample.root = join(sample.folder, 'backing/root');
  onTestFinished(async () => {
    await sample.run('destroy --purge --yes');
    await unmount();
  });
  return sample;
}

async function begin(sample: Sample, { line, color }: Command, releases: readonly string[]) {
  sample.config.packages.extras = { source: `files/${color}.tar.gz`, extract: { strip: 1 } };
  await sample.save();
  return start(`${line(releases)} --json`, { cwd: sample.folder });
}

async function perform(sample: Sample, command: Command, releases: readonly string[]): Promise<Run> {
  return ended(await begin(sample, command, releases));
}

/** As {@link finished}; a command that does not end fails the test with what it said, rather than with the test's time. */
async function ended(running: ChildProcess): Promise<Run> {
  const hangs = setTimeout(() => {
    running.kill('SIGABRT');
    running.stdout?.destroy();
    running.stderr?.destroy();
  }, HANGS);
  const run = await finished(running);
  clearTimeout(hangs);
  if (run.signal === 'SIGABRT')
    throw new Error(`${running.spawnargs.slice(2).join(' ')} hangs: ${run.stdout.slice(-4000)}${run.stderr}`);
  return run;
}

const digestsOf = ({ result }: Run) =>
  JSON.stringify(result.packages.map((item) => [item.id, 'digest' in item && item.digest]));

/** The newest run's worker, while it runs: its id may be another process's afterwards. */
async function workerOf({ root }: Sample): Promise<number | undefined> {
  const run = (await readdir(join(root, 'runs')).catch(() => [] as string[])).sort().at(-1);
  const text = run && (await readFile(join(root, 'runs', run, 'agent.json'), 'utf8').catch(() => ''));
  const worker = text ? (JSON.parse(text) as ProcessIdentity) : undefined;
  return worker && livenessOf(worker) === 'running' ? worker.pid : undefined;
}

async function newWorker(sample: Sample, command: ChildProcess): Promise<void> {
  while (command.exitCode === null && command.signalCode === null && (await workerOf(sample)) === undefined)
    await sleep(5);
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false; // it had ended
  }
}

async function expectState(sample: Sample, { after, line }: Command, releases: readonly string[]): Promise<void> {
  const root = (sample.config.environments as { local: { root: string } }).local.root;
  const { result } = await sample.run('status --json');
  const named = (number: number) => releases[number];
  expect({ release: result.release, releases: [...result.releases].sort() }, line(releases)).toEqual({
    release: after ? named(after.current) : null,
    releases: (after?.releases.map(named) ?? []).sort(),
  });
  expect(
    result.hosts.map(({ service, index, state, release }) => `${service}-${index} ${state} ${release}`).sort(),
  ).toEqual(after ? ['app-0', 'app-1', 'jump-0'].map((host) => `${host} healthy ${named(after.current)}`) : []);
  expect((await verifyStore(sample.root, { deep: true })).differences).toEqual([]);
  // Nothing is left over: no process but those of the hosts, no lock, and nothing at all in the end.
  const processes = findMarked(`${rootId(root)}/`, { exact: false });
  expect(processes).toHaveLength(after ? 2 * 2 : 0);
  const names = await readdir(sample.root).catch(() => [] as string[]);
  expect(names).not.toContain('deploy.lock');
  // A deploy or a rollback that finds all files ready leaves the store's lock, which is a dead one's, and staging alone.
  if (line(releases).startsWith('prune')) {
    expect(names).not.toContain('.lock');
    expect(await readdir(join(sample.root, '.staging'))).toEqual([]);
  }
  if (after === undefined) expect(names).toEqual([]);
}
