import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  askJson,
  freePort,
  HEALTH,
  type LocalTargetKit,
  openLocalTargetKit,
  SERVER,
  service,
} from '../../../test/local-target.js';
import { lacks } from '../../../test/requirements.js';
import { until } from '../../../test/until.js';
import { isRunning } from '../../core/process-identity.js';
import type { HostState } from './hosts/state.js';
import { hostFiles, hostFolder, hostMark, layoutOf } from './layout.js';
import { findMarked } from './processes/marked.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const stateIn = (root: string) =>
  JSON.parse(readFileSync(hostFiles(hostFolder(layoutOf(root), 'api-0')).state, 'utf8')) as HostState;
const pidOf = async (port: number) => Number((await askJson(port, '/pid')).pid);
const stopped = (port: number) => until('nobody to answer', () => pidOf(port).then(() => false, () => true)); // biome-ignore format: one line

async function deployed() {
  const port = await freePort();
  const plan = await kit.publish({ scripts: { 'api.js': SERVER } });
  const services = [service('api', { run: 'api.js', port, health: HEALTH })];
  await kit.deploy(plan, services);
  return { port, plan, services, pid: await pidOf(port) };
}

describe('a copy of a root whose hosts run', () => {
  test('does not take them for its own: not for status, not for a deployment, not for destroy', async () => {
    const { port, plan, services, pid } = await deployed();
    const copy = `${kit.root}-copy`;
    execFileSync('cp', ['-a', kit.root, copy]);
    const target = kit.openAt(copy);
    expect((await target.look().status()).hosts).toMatchObject([
      { state: 'stopped', detail: 'it was never started in this folder' },
    ]);
    await expect(target.look().checkServices(kit.deployment(plan, services))).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining('which another root of Prestage runs'),
    });
    const elsewhere = await freePort();
    const moved = services.map((each) => ({ ...each, port: elsewhere }));
    expect(await target.look().applyServices(kit.deployment(plan, moved), kit.follow())).toBe('applied');
    expect((await askJson(elsewhere, '/')).PRESTAGE_ROOT).toBe(join(copy, 'releases', plan.release));
    await target.destroy({ purge: true, ...kit.follow() });
    await stopped(elsewhere);
    expect(await pidOf(port)).toBe(pid);
    expect((await kit.target.look().status()).hosts).toMatchObject([{ state: 'healthy' }]);
  });
});

describe('a root that is moved under its running hosts', () => {
  test('keeps them: a program that ends is started again from the new place, and destroy there ends all', async () => {
    const { port, plan, pid } = await deployed();
    const moved = `${kit.root}-moved`;
    renameSync(kit.root, moved);
    const target = kit.openAt(moved);
    expect((await target.look().status()).hosts).toMatchObject([{ state: 'healthy' }]);
    process.kill(pid, 'SIGKILL');
    await until('another process to answer', () => pidOf(port).then((now) => now !== pid, () => false)); // biome-ignore format: one line
    expect((await askJson(port, '/')).PRESTAGE_ROOT).toBe(join(moved, 'releases', plan.release));
    const { supervisor } = stateIn(moved);
    expect(isRunning(supervisor)).toBe(true);
    await target.destroy({ purge: true, ...kit.follow() });
    await stopped(port);
    expect(isRunning(supervisor)).toBe(false);
  });
});

describe('when somebody removes hosts/ under running supervisors', () => {
  const processes = () => findMarked(hostMark(kit.root, 'api-0'), { exact: true });

  test('they end, and so do their programs', async () => {
    const { port } = await deployed();
    const { supervisor } = stateIn(kit.root);
    rmSync(join(kit.root, 'hosts'), { recursive: true });
    await until('the supervisor to end', () => !isRunning(supervisor));
    await stopped(port);
    expect(processes()).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('a deployment at once takes over, and one supervisor stays', async () => {
    const { port, plan, services, pid } = await deployed();
    rmSync(join(kit.root, 'hosts'), { recursive: true });
    expect(await kit.deploy(plan, services)).toBe('applied');
    expect(kit.events).toContainEqual({
      type: 'notice',
      message: expect.stringContaining('Ended the processes of api-0'),
    });
    expect(await pidOf(port)).not.toBe(pid);
    await sleep(1_500);
    expect(stateIn(kit.root)).toMatchObject({ phase: 'running', restarts: 0 });
    expect(processes()).toHaveLength(2);
  });
});

describe.skipIf(lacks('tmpfs'))('on a full disk', () => {
  afterEach(() => execFileSync('umount', ['-l', kit.root]));

  test('a program that ends is started again, and the state that could not be written is told later', async () => {
    mkdirSync(kit.root);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', kit.root]);
    const { port, pid } = await deployed();
    const { supervisor } = stateIn(kit.root);
    const filling = join(kit.root, 'filling');
    expect(() => writeFileSync(filling, Buffer.alloc(8 << 20))).toThrow('ENOSPC');
    process.kill(pid, 'SIGKILL');
    await until('another process to answer', () => pidOf(port).then((now) => now !== pid, () => false)); // biome-ignore format: one line
    expect(isRunning(supervisor)).toBe(true);
    await until('the state to be true', () => stateIn(kit.root).restarts === 1);
    expect((await kit.target.look().status()).hosts).toMatchObject([
      { state: 'healthy', detail: expect.stringContaining('ended once') },
    ]);
    rmSync(filling);
  });
});
