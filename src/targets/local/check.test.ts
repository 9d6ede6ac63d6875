import { createServer, type Server } from 'node:net';
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
let strangers: Server[];
beforeEach(async () => {
  kit = await openLocalTargetKit();
  strangers = [];
});
afterEach(async () => {
  for (const server of strangers) server.close();
  await kit.close();
});

function listen(port: number, address = '127.0.0.1'): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    strangers.push(server);
    server.once('error', reject).listen(port, address, () => resolve(server));
  });
}

describe('before anything is changed', () => {
  test.each(['127.0.0.1', '0.0.0.0', '::'])(
    'a port that a stranger listens on at %s is an error with port, service and holder',
    async (address) => {
      const port = await freePort();
      await listen(port, address);
      const check = kit.target.look().checkServices(kit.deployment(kit.plan({}), [service('api', { port })]));
      await expect(check).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringContaining(`Port ${port}, which api is to listen on, is taken by`),
        context: { service: 'api', port, ...(process.platform === 'linux' ? { pid: process.pid } : {}) },
      });
    },
  );

  test('a port that our own host has is free for its replacement', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'api.js': SERVER } });
    await kit.deploy(plan, [service('api', { run: 'api.js', port, health: HEALTH })]);
    const renamed = kit.deployment(plan, [service('renamed', { run: 'api.js', port, health: HEALTH })]);
    await expect(kit.target.look().checkServices(renamed)).resolves.toBeUndefined();
  });

  test('a port that another root has says so', { skip: process.platform !== 'linux' }, async () => {
    const other = await openLocalTargetKit();
    const port = await freePort();
    const plan = await other.publish({ scripts: { 'api.js': SERVER } });
    await other.deploy(plan, [service('api', { run: 'api.js', port, health: HEALTH })]);
    await expect(
      kit.target.look().checkServices(kit.deployment(plan, [service('api', { port })])),
    ).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining('which another root of Prestage runs'),
    });
    await other.close();
  });

  test("further hosts get the next ports that are free and not another service's", async () => {
    const port = await freePort();
    await listen(port + 1);
    const plan = await kit.publish({ scripts: { 'api.js': SERVER } });
    const run = { run: 'api.js', health: HEALTH };
    await kit.deploy(plan, [service('api', { ...run, port, count: 2 }), service('web', { ...run, port: port + 2 })]);
    const { hosts } = await kit.target.look().status();
    expect(hosts.map((host) => [host.service, host.port])).toEqual([
      ['api', port],
      ['api', port + 3],
      ['web', port + 2],
    ]);
  });

  test('single-phase without a jump host is an error: nobody would prepare', async () => {
    const plan = kit.plan({});
    const deployment = kit.deployment(plan, [service('api')], { fallback: { plan, inputs: {} } });
    await expect(kit.target.look().checkServices(deployment)).rejects.toMatchObject({
      code: 'FILES_NOT_READY',
      message: expect.stringContaining('role jump'),
    });
  });
});
