import { readFileSync } from 'node:fs';
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
import { until } from '../../../../test/until.js';
import { isRunning } from '../../../core/process-identity.js';
import type { HostState } from '../hosts/state.js';
import { hostFiles, hostFolder, layoutOf } from '../layout.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const state = () =>
  JSON.parse(readFileSync(hostFiles(hostFolder(layoutOf(kit.root), 'api-0')).state, 'utf8')) as HostState;
const log = () => readFileSync(hostFiles(hostFolder(layoutOf(kit.root), 'api-0')).log, 'utf8');

/** Says each question in its log. */
const TALKS = SERVER.replace(
  'createServer((request, response) => {',
  "createServer((request, response) => {\n  if (request.url !== '/health') console.log('asked ' + request.url);",
);

describe.skipIf(process.platform !== 'linux')('a supervisor that is killed (Linux)', () => {
  test('leaves its program running, which status says, and the next deployment gives it another one', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'api.js': TALKS, 'boot.sh': '#!/bin/sh\necho booted\n' } });
    const services = [service('api', { boot: 'boot.sh', run: 'api.js', port, health: HEALTH })];
    await kit.deploy(plan, services);
    const { pid } = await askJson(port, '/pid');
    const { supervisor } = state();
    process.kill(supervisor.pid, 'SIGKILL');
    await until('the supervisor to be gone', () => !isRunning(supervisor));
    expect((await kit.target.look().status()).hosts).toMatchObject([
      { state: 'unhealthy', detail: expect.stringContaining('its supervisor is gone, but its program runs') },
    ]);
    await askJson(port, '/');

    expect((await kit.target.look().planServices(kit.deployment(plan, services))).hosts).toMatchObject([
      { action: 'keep', reason: 'its supervisor is gone, and it gets another one' },
    ]);
    expect(await kit.deploy(plan, services)).toBe('applied');
    expect((await askJson(port, '/pid')).pid).toBe(pid);
    expect((await kit.target.look().status()).hosts).toMatchObject([{ state: 'healthy' }]);
    expect(state().supervisor).not.toEqual(supervisor);
    // What it said while nobody read it is there, and so is what it says now.
    await until('its log', () => log().includes('asked /\n') && log().includes('asked /pid\n'));

    process.kill(Number(pid), 'SIGKILL');
    const next = await until('another process to answer', () => askJson(port, '/pid').then((now) => now.pid, () => undefined)); // biome-ignore format: one line
    expect(next).not.toBe(pid);
    expect(log().match(/^booted$/gm)).toHaveLength(1);
    await kit.target.destroy({ purge: false, ...kit.follow() });
    await expect(askJson(port, '/pid')).rejects.toThrow();
  });
});
