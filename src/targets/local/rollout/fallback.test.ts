import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  askJson,
  freePort,
  HEALTH,
  type LocalTargetKit,
  openLocalTargetKit,
  SERVER,
  service,
} from '../../../../test/local-target.js';
import type { ServicePlan } from '../../../plan/index.js';

let kit: LocalTargetKit;
let port: number;
let services: ServicePlan[];
beforeEach(async () => {
  kit = await openLocalTargetKit({ agent: true });
  port = await freePort();
  services = [
    service('jump', { role: 'jump', boot: 'jump.sh', needs: [] }),
    service('api', { run: 'api.js', port, count: 2, health: HEALTH }),
  ];
});
afterEach(() => kit.close());

const SCRIPTS = { 'api.js': SERVER, 'jump.sh': '#!/bin/sh\ncat "$PRESTAGE_ROOT/opt/server/value.txt" > seen\n' };
const filesEvents = () =>
  kit.events.flatMap((event) => (event.type === 'host.files' ? [`${event.host} ${event.state}`] : []));

describe('single-phase: no worker ran', () => {
  test('the jump host prepares the release, the others wait for it, and all run on it', async () => {
    const fallback = await kit.job({ scripts: SCRIPTS, packages: { server: 'prepared' } });
    expect(await kit.deploy(fallback.plan, services, { fallback })).toBe('applied');

    expect(filesEvents().sort()).toEqual([
      'api-0 ready',
      'api-0 waiting',
      'api-1 ready',
      'api-1 waiting',
      'jump-0 preparing',
      'jump-0 ready',
    ]);
    expect(kit.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['worker.started', 'package.published', 'release.published']),
    );
    expect(readFileSync(join(kit.root, 'hosts/jump-0/work/seen'), 'utf8')).toBe('prepared');
    expect((await askJson(port, '/')).PRESTAGE_RELEASE).toBe(fallback.plan.release);
    expect(await kit.target.look().currentRelease()).toBe(fallback.plan.release);
  });

  test('where the files are ready the jump host says so, and prepares nothing', async () => {
    const contents = { scripts: SCRIPTS, packages: { server: 'prepared' } };
    const fallback = await kit.job(contents);
    await kit.publish(contents);
    await kit.deploy(fallback.plan, services, { fallback });
    expect(filesEvents().sort()).toEqual(['api-0 ready', 'api-1 ready', 'jump-0 ready']);
    expect(kit.events.some(({ type }) => type === 'worker.started')).toBe(false);
  });

  test('a jump host of which nothing changed is replaced all the same: somebody must prepare', async () => {
    const first = await kit.job({ scripts: SCRIPTS, packages: { server: '1' } });
    await kit.deploy(first.plan, services, { fallback: first });
    const second = await kit.job({ scripts: SCRIPTS, packages: { server: '2' } });
    kit.events.length = 0;
    await kit.deploy(second.plan, services, { fallback: second });
    expect(filesEvents()).toContain('jump-0 preparing');
    // Hosts that serve are not stopped for files that are yet to be prepared: they find theirs ready.
    expect(filesEvents()).not.toContain('api-0 waiting');
    expect((await askJson(port, '/')).PRESTAGE_RELEASE).toBe(second.plan.release);
  });

  test("a preparation that fails ends every host's waiting, and the agent's own error is the deployment's", async () => {
    const fallback = await kit.job({ scripts: SCRIPTS, packages: { server: 'prepared' } });
    for (const input of Object.values(fallback.inputs)) if (input.kind === 'file') input.path += '.missing';
    await expect(kit.deploy(fallback.plan, services, { fallback })).rejects.toMatchObject({
      message: expect.stringContaining('This was the first deployment'),
      context: { host: 'jump-0' },
    });
    const waited = (await kit.target.look().status()).hosts.filter(({ service }) => service === 'api');
    const reason = expect.stringContaining('jump-0, which prepares the files, failed: it could not prepare the files');
    expect(waited).toMatchObject([
      { state: 'failed', detail: reason },
      { state: 'failed', detail: reason },
    ]);
    expect(existsSync(join(kit.root, 'current'))).toBe(false);

    const repaired = await kit.job({ scripts: SCRIPTS, packages: { server: 'prepared' } });
    expect(await kit.deploy(repaired.plan, services, { fallback: repaired })).toBe('applied');
  });

  test('a deploying command that dies leaves the hosts to it, and the next one follows them', async () => {
    const fallback = await kit.job({
      scripts: { ...SCRIPTS, 'jump.sh': '#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.05; done\n' },
      packages: { server: '1' },
    });
    const cut = new AbortController();
    const first = kit.target.look().applyServices(kit.deployment(fallback.plan, services, { fallback }), {
      ...kit.follow(),
      signal: cut.signal,
      emit: (event) => {
        if (event.type === 'release.published') cut.abort(new Error('the laptop was closed'));
      },
    });
    await expect(first).rejects.toThrow('the laptop was closed');
    const state = () =>
      JSON.parse(readFileSync(join(kit.root, 'hosts/jump-0/state.json'), 'utf8')) as { supervisor: { pid: number } };
    const { pid } = state().supervisor;
    await writeFile(join(kit.root, 'hosts/jump-0/work/go'), '');
    expect(await kit.deploy(fallback.plan, services)).toBe('applied');
    expect(state().supervisor.pid).toBe(pid);
  });
});
