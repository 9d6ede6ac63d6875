import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { until } from '../../test/until.js';
import type { PrestageEvent } from '../core/events.js';
import { acquireLease, currentRelease, inspectLease, newRunId, releaseIds, storePaths } from '../store/index.js';
import { deploy, destroy, planPrune, prune, rollback } from './index.js';
import type { CommandOptions } from './project.js';

// The local target as it is, but for heartbeats that come every 20 ms: a command then knows soon that its lock is lost.
vi.mock('../targets/index.js', async (original) => {
  const { openLocalTarget } = await import('../targets/local/index.js');
  return {
    ...(await original<object>()),
    openTarget: async (
      environment: { name: string; root: string },
      context: { configFolder: string; project: string },
    ) => openLocalTarget({ ...context, environment: environment.name, root: environment.root, leaseMs: 240 }),
  };
});

/** A project whose host boots slowly while there is a file `slow`, and takes a second to end. */
class LockedProject {
  readonly folder: string;
  readonly root: string;
  readonly events: PrestageEvent[] = [];

  constructor(folder: string) {
    this.folder = folder;
    this.root = join(folder, 'root');
  }

  static async make(): Promise<LockedProject> {
    const it = new LockedProject(await mkdtemp(join(tmpdir(), 'prestage-lost-lock-')));
    await mkdir(join(it.folder, 'app'));
    await it.write('boot.sh', `#!/bin/sh\nwhile [ -e ${it.folder}/slow ]; do sleep 0.1; done\n`);
    await it.write('run.sh', "#!/bin/sh\ntrap 'sleep 1; exit' TERM\nwhile :; do sleep 0.1; done\n");
    const config = {
      name: 'lost-lock',
      packages: { app: { source: 'app' } },
      services: { api: { boot: 'boot.sh', run: 'run.sh' } },
      environments: { local: { target: 'local', root: 'root' } },
    };
    await it.write('prestage.config.json', JSON.stringify(config));
    await it.release('1');
    return it;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text, { mode: 0o755 });
  }

  release(text: string): Promise<void> {
    return this.write('app/value.txt', text);
  }

  options(more: Partial<CommandOptions> = {}): CommandOptions {
    const emit = (event: PrestageEvent) => void this.events.push(event);
    return { config: this.folder, emit, signal: new AbortController().signal, ...more };
  }

  /** Waits until a command holds the lock, and until `ready`; then another takes it over. */
  async steal(command: string, ready: () => unknown = () => true): Promise<void> {
    const lock = join(this.root, 'deploy.lock');
    await until(command, async () => (await inspectLease(lock))?.holder.purpose === command && ready() !== undefined);
    const found = JSON.parse(await readFile(lock, 'utf8')) as object;
    await rm(lock);
    await writeFile(lock, JSON.stringify({ ...found, lease: 'another', purpose: 'thief' }));
  }

  async holder(): Promise<string | undefined> {
    return (await inspectLease(join(this.root, 'deploy.lock')))?.holder.purpose;
  }

  async close(): Promise<void> {
    await rm(join(this.folder, 'slow'), { force: true });
    await rm(join(this.root, 'deploy.lock'), { force: true });
    await destroy({ ...this.options(), purge: true });
    await rm(this.folder, { recursive: true, force: true });
  }
}

let projects: Record<'deploy' | 'rollback' | 'prune' | 'destroy', LockedProject>;
beforeAll(async () => {
  const made = await Promise.all(['deploy', 'rollback', 'prune', 'destroy'].map(() => LockedProject.make()));
  const [a, b, c, d] = made as [LockedProject, LockedProject, LockedProject, LockedProject];
  projects = { deploy: a, rollback: b, prune: c, destroy: d };
});
afterAll(() => Promise.all(Object.values(projects).map((project) => project.close())));

const LOST = { code: 'LEASE_LOST', exitStatus: 1 };
const startsHost = (project: LockedProject) => () => project.events.findLast(({ type }) => type === 'host.starting');

test.concurrent('deploy stops where it is when another takes its lock', async () => {
  const project = projects.deploy;
  await project.write('slow', '');
  const deployed = expect(deploy(project.options())).rejects.toMatchObject(LOST);
  await project.steal('deploy', startsHost(project));
  await deployed;
  expect(await currentRelease(project.root)).toBeUndefined();
  expect(await project.holder()).toBe('thief');
});

test.concurrent('rollback stops where it is when another takes its lock', async () => {
  const project = projects.rollback;
  const { release: first } = await deploy(project.options());
  await project.release('2');
  const { release: second } = await deploy(project.options());
  project.events.length = 0;
  await project.write('slow', '');
  const rolledBack = expect(rollback(project.options())).rejects.toMatchObject(LOST);
  await project.steal('rollback', startsHost(project));
  await rolledBack;
  expect(second).not.toBe(first);
  expect(await currentRelease(project.root)).toBe(second);
  expect(await project.holder()).toBe('thief');
});

test.concurrent('prune removes nothing more when another takes its lock', async () => {
  const project = projects.prune;
  await deploy({ ...project.options(), prepareFilesOnly: true });
  await project.release('2');
  await deploy({ ...project.options(), prepareFilesOnly: true });
  const preparing = { run: newRunId(), purpose: 'prepare' };
  const lease = await acquireLease(storePaths(project.root).lock, preparing, { wait: false });
  const plan = await planPrune({ ...project.options(), keep: 1 });
  expect(plan.remove).toHaveLength(1);
  // It waits for a worker that is at work on the store.
  const pruned = expect(prune({ ...project.options({ wait: true }), plan })).rejects.toMatchObject(LOST);
  await project.steal('prune');
  await pruned;
  await lease.release();
  expect(await releaseIds(project.root)).toHaveLength(2);
  expect(await project.holder()).toBe('thief');
});

test.concurrent('destroy removes nothing more when another takes its lock', async () => {
  const project = projects.destroy;
  await deploy(project.options());
  const destroyed = expect(destroy({ ...project.options(), purge: true })).rejects.toMatchObject(LOST);
  await project.steal('destroy');
  await destroyed;
  expect(existsSync(join(project.root, 'deployments'))).toBe(true);
  expect(await releaseIds(project.root)).toHaveLength(1);
  expect(await project.holder()).toBe('thief');
});
