import { readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
import { hostFiles, hostFolder, layoutOf } from '../layout.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

test('a working folder that somebody removed is made again, and nobody blames the script', async () => {
  const port = await freePort();
  const plan = await kit.publish({ scripts: { 'api.js': SERVER } });
  await kit.deploy(plan, [service('api', { run: 'api.js', port, health: HEALTH })]);
  const { work, log } = hostFiles(hostFolder(layoutOf(kit.root), 'api-0'));
  const pid = Number((await askJson(port, '/pid')).pid);
  rmSync(work, { recursive: true });
  process.kill(pid, 'SIGKILL');
  await until('another process to answer', async () => {
    const now = await askJson(port, '/pid').catch(() => undefined);
    return now !== undefined && Number(now.pid) !== pid;
  });
  const said = readFileSync(log, 'utf8');
  expect(said).toContain('the working folder was removed; a new, empty one is made');
  expect(said).not.toMatch(/could not be started|is not on this machine/);
});
