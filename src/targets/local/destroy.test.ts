import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
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
import { identify } from '../../core/process-identity.js';
import { rootId } from './layout.js';
import { findMarked } from './processes/marked.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const destroy = (purge = false) =>
  kit.target.exclusively('destroy', kit.follow(), () => kit.target.destroy({ purge, ...kit.follow() }));

/** Starts another process in a session of its own, as a daemon does, and tells its id. */
const DAEMON = `#!/usr/bin/env node
const { spawn } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const daemon = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
daemon.unref();
writeFileSync('daemon.pid', String(daemon.pid));
`;
/** Ignores SIGTERM, and so does its child. */
const STUBBORN = `#!/bin/sh
trap '' TERM
sleep 600 &
echo $! > child.pid
wait
wait
`;

describe('destroy', () => {
  test('ends every host, and keeps the store', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'api.js': SERVER }, packages: { server: '1' } });
    await kit.deploy(plan, [service('api', { run: 'api.js', port, count: 2, health: HEALTH })]);
    const { pid } = await askJson(port, '/pid');
    await destroy();
    expect(identify(Number(pid))).toBeUndefined();
    expect(readdirSync(kit.root).sort()).toEqual(['.staging', 'releases', 'trees']);
    expect(await kit.target.look().currentRelease()).toBeUndefined();
    expect(await kit.target.look().history()).toEqual([]);
    expect((await kit.target.look().releases()).map(({ release }) => release)).toEqual([plan.release]);
    expect(kit.events.filter(({ type }) => type === 'host.stopped')).toHaveLength(2);
    // Twice is as once.
    await destroy();
  });

  test('with purge leaves no root, or one with only what somebody else has put there', async () => {
    await kit.publish({ packages: { server: '1' } });
    await writeFile(join(kit.root, 'notes.txt'), 'mine');
    await destroy(true);
    expect(readdirSync(kit.root)).toEqual(['notes.txt']);
    await rm(join(kit.root, 'notes.txt'));
    await destroy(true);
    expect(existsSync(kit.root)).toBe(false);
  });

  // In use as a place of a mount: unlink(2) says EBUSY, as it does for what an NFS client keeps of an open file.
  test.skipIf(lacks('root'))('with purge leaves what is in use, names it, and removes it the next time', async () => {
    const { packages } = await kit.publish({ packages: { server: '1' } });
    const tree = join(kit.root, 'trees', packages[0]?.tree ?? '');
    const file = join(tree, readdirSync(tree)[0] ?? '');
    const run = join(kit.root, 'runs/20200101T000000Z-0123456789ab');
    await mkdir(run, { recursive: true });
    execFileSync('mount', ['--bind', file, file]);
    try {
      await destroy(true);
      expect(readdirSync(kit.root, { recursive: true })).toEqual(
        [dirname(tree), tree, file].map((path) => relative(kit.root, path)),
      );
    } finally {
      execFileSync('umount', [file]);
    }
    const notices = kit.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toEqual([expect.stringContaining(`has a file in ${join(kit.root, 'trees')} open`)]);
    await destroy(true);
    expect(existsSync(kit.root)).toBe(false);
  });

  test('ends a program that ignores SIGTERM, with its children', async () => {
    const plan = await kit.publish({ scripts: { 'run.sh': STUBBORN } });
    await kit.deploy(plan, [service('stubborn', { run: 'run.sh' })]);
    const child = Number(
      await until('the child', () =>
        readFile(join(kit.root, 'hosts/stubborn-0/work/child.pid'), 'utf8').catch(() => undefined),
      ),
    );
    expect(identify(child)).toBeDefined();
    await destroy();
    expect(identify(child)).toBeUndefined();
  });

  test('ends daemons that left their process group (Linux)', { skip: process.platform !== 'linux' }, async () => {
    const plan = await kit.publish({ scripts: { 'boot.js': DAEMON } });
    await kit.deploy(plan, [service('daemon', { boot: 'boot.js' })]);
    const daemon = Number(await readFile(join(kit.root, 'hosts/daemon-0/work/daemon.pid'), 'utf8'));
    expect(identify(daemon)).toBeDefined();
    await destroy();
    expect(identify(daemon)).toBeUndefined();
  });

  test('ends processes of which no folder tells any more (Linux)', { skip: process.platform !== 'linux' }, async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'api.js': SERVER } });
    await kit.deploy(plan, [service('api', { run: 'api.js', port, health: HEALTH })]);
    await rm(join(kit.root, 'hosts'), { recursive: true });
    await destroy();
    expect(findMarked(`${rootId(kit.root)}/`, { exact: false })).toEqual([]);
  });

  test('never ends a process that was given the id of one of ours', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'api.js': SERVER } });
    await kit.deploy(plan, [service('api', { run: 'api.js', port, health: HEALTH })]);
    await destroy();
    // A state as a reboot leaves it, with ids that others have now: this very process.
    const folder = join(kit.root, 'hosts/api-0');
    await mkdir(folder, { recursive: true });
    const spec = {
      format: 1,
      host: 'api-0',
      service: 'api',
      index: 0,
      address: '127.0.0.1',
      release: plan.release,
      root: kit.root,
      run: 'api.js',
    };
    await writeFile(join(folder, 'host.json'), JSON.stringify({ ...spec, environment: {}, ingredients: {} }));
    const reused = { pid: process.pid, started: 'before the reboot' };
    await writeFile(
      join(folder, 'state.json'),
      JSON.stringify({ phase: 'running', supervisor: reused, child: reused, restarts: 0 }),
    );
    expect((await kit.target.look().status()).hosts).toMatchObject([{ service: 'api', state: 'stopped' }]);
    await destroy();
    expect(readdirSync(kit.root)).not.toContain('hosts');
  });
});

describe('only one command changes a root at a time', () => {
  test('a second one fails with LOCKED, or waits where it may', async () => {
    const order: string[] = [];
    await kit.target.exclusively('deploy', kit.follow(), async () => {
      await expect(kit.target.exclusively('prune', kit.follow(), async () => {})).rejects.toMatchObject({
        code: 'LOCKED',
      });
      order.push('first');
    });
    await kit.target.exclusively('prune', kit.follow(), async () => void order.push('second'));
    expect(order).toEqual(['first', 'second']);
  });
});
