import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  freePort,
  HEALTH,
  type LocalTargetKit,
  openLocalTargetKit,
  SERVER,
  service,
} from '../../../test/local-target.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

async function getJson(port: number, path: string): Promise<Record<string, string>> {
  return (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as Record<string, string>;
}

describe('a first deployment', () => {
  test('starts hosts, makes the release current, and is unchanged the second time', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'hosts/api.js': SERVER } });
    const services = [service('api', { run: 'hosts/api.js', count: 2, port, health: HEALTH })];
    expect(await kit.deploy(plan, services)).toBe('applied');
    expect(await kit.target.currentRelease()).toBe(plan.release);
    const { hosts } = await kit.target.status();
    expect(hosts.map(({ service, index, state }) => ({ service, index, state }))).toEqual([
      { service: 'api', index: 0, state: 'healthy' },
      { service: 'api', index: 1, state: 'healthy' },
    ]);
    expect(hosts[0]?.port).toBe(port);
    expect((await getJson(port, '/'))['PRESTAGE_RELEASE']).toBe(plan.release);
    console.time('noop');
    expect(await kit.deploy(plan, services)).toBe('unchanged');
    console.timeEnd('noop');
  });
});
