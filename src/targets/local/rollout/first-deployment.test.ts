import { readFileSync } from 'node:fs';
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

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const types = () => kit.events.map((event) => ('host' in event ? `${event.type} ${event.host}` : event.type));

describe('a first deployment', () => {
  test('starts every host, makes the release current, and finds nothing to do the second time', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'hosts/api.js': SERVER } });
    const services = [service('api', { run: 'hosts/api.js', count: 2, port, health: HEALTH })];
    expect((await kit.target.look().planServices(kit.deployment(plan, services))).action).toBe('apply');
    expect(await kit.deploy(plan, services)).toBe('applied');
    expect(await kit.target.look().currentRelease()).toBe(plan.release);
    const { hosts } = await kit.target.look().status();
    expect(hosts.map(({ service, index, state, release }) => ({ service, index, state, release }))).toEqual([
      { service: 'api', index: 0, state: 'healthy', release: plan.release },
      { service: 'api', index: 1, state: 'healthy', release: plan.release },
    ]);
    expect(hosts[0]?.port).toBe(port);
    expect(hosts[1]?.port).toBeGreaterThan(port);

    expect((await kit.target.look().planServices(kit.deployment(plan, services))).action).toBe('unchanged');
    expect(await kit.deploy(plan, services)).toBe('unchanged');
    expect(types().filter((type) => type.startsWith('host.unchanged'))).toEqual([
      'host.unchanged api-0',
      'host.unchanged api-1',
    ]);
    expect((await kit.target.look().history()).map(({ release }) => release)).toEqual([plan.release]);
  });

  test('starts a service when those that it waits for are healthy', async () => {
    const plan = await kit.publish({ scripts: { 'api.js': SERVER, 'jump.sh': '#!/bin/sh\nexit 0\n' } });
    const services = [
      service('jump', { role: 'jump', boot: 'jump.sh' }),
      service('api', { run: 'api.js', port: await freePort(), health: HEALTH, after: ['jump'] }),
      service('web', {
        run: 'api.js',
        port: await freePort(),
        health: { kind: 'tcp', timeoutMs: 20_000 },
        after: ['api'],
      }),
    ];
    await kit.deploy(plan, services);
    const order = types().filter((type) => type.startsWith('host.starting') || type.startsWith('host.healthy'));
    expect(order).toEqual([
      'host.starting jump-0',
      'host.healthy jump-0',
      'host.starting api-0',
      'host.healthy api-0',
      'host.starting web-0',
      'host.healthy web-0',
    ]);
  });

  test('gives boot and run the variables of the design, and nothing of the person who deploys', async () => {
    const [api, web] = [await freePort(), await freePort()];
    const plan = await kit.publish({
      scripts: { 'run.js': SERVER, 'boot.sh': '#!/bin/sh\nenv > boot-environment\n' },
      packages: { installer: 'bytes' },
    });
    const services = [
      service('order-api', { run: 'run.js', count: 2, port: api, health: HEALTH }),
      service('web', { boot: 'boot.sh', run: 'run.js', port: web, health: HEALTH, environment: { COLOUR: 'red' } }),
    ];
    process.env.DEPLOYERS_SECRET = 'hunter2';
    await kit.deploy(plan, services, { dnsZone: 'portal.internal' });
    delete process.env.DEPLOYERS_SECRET;

    const second = (await kit.target.look().status()).hosts[1]?.port;
    const variables = await askJson(web, '/');
    expect(variables).toMatchObject({
      PRESTAGE_RELEASE: plan.release,
      PRESTAGE_ROOT: join(kit.root, 'releases', plan.release),
      PRESTAGE_SERVICE: 'web',
      PRESTAGE_INDEX: '0',
      PRESTAGE_HOST: '127.0.0.1',
      PRESTAGE_PORT: String(web),
      PRESTAGE_NAME: 'web.portal.internal',
      PRESTAGE_ORDER_API_HOST: '127.0.0.1',
      PRESTAGE_ORDER_API_PORT: String(api),
      PRESTAGE_ORDER_API_HOSTS: `127.0.0.1:${api},127.0.0.1:${second}`,
      PRESTAGE_ORDER_API_NAME: 'order-api.portal.internal',
      COLOUR: 'red',
      PATH: process.env.PATH,
    });
    expect(variables.DEPLOYERS_SECRET).toBeUndefined();
    expect(variables.PRESTAGE_DATABASE_URL).toBeUndefined();
    expect(readFileSync(join(variables.PRESTAGE_ROOT ?? '', 'opt/installer/value.txt'), 'utf8')).toBe('bytes');
    const { cwd } = await askJson(web, '/pid');
    expect(readFileSync(join(cwd ?? '', 'boot-environment'), 'utf8')).toContain(`PRESTAGE_PORT=${web}`);
  });

  test('that fails keeps its healthy hosts for the next try, where that was asked for', async () => {
    const [api, web] = [await freePort(), await freePort()];
    const services = (run: string) => [
      service('api', { run: 'api.js', needs: [], port: api, health: HEALTH }),
      service('web', { run, needs: [], port: web, health: HEALTH, after: ['api'] }),
    ];
    const plan = await kit.publish({ scripts: { 'api.js': SERVER, 'web.sh': '#!/no/such/program\n' } });
    await expect(kit.deploy(plan, services('web.sh'), { keep: true })).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(
        /its program web\.sh could not be started: .*, or the interpreter that its first line names, is not on this machine \(tried 5 times\)\. This was the first deployment: api-0 stayed for the next try, the others have been stopped\./,
      ),
      context: { kept: ['api-0'], stopped: ['web-0'] },
    });
    expect((await kit.target.look().status()).hosts.map(({ state }) => state)).toEqual(['healthy', 'stopped']);
    const { pid } = await askJson(api, '/pid');
    expect(await kit.deploy(plan, services('api.js'))).toBe('applied');
    expect((await askJson(api, '/pid')).pid).toBe(pid);
  });

  test('a boot script that fails fails the deployment at once, with its last lines, and stops the other hosts', async () => {
    const plan = await kit.publish({
      scripts: { 'api.js': SERVER, 'boot.sh': '#!/bin/sh\necho "no such licence" >&2\nexit 3\n' },
    });
    const services = [
      service('api', { run: 'api.js', port: await freePort(), health: HEALTH }),
      service('web', { boot: 'boot.sh', after: ['api'] }),
    ];
    const failure = await kit.deploy(plan, services).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringContaining('boot script boot.sh failed: exit status 3. It said last: no such licence'),
      context: { host: 'web-0', service: 'web', log: expect.arrayContaining(['no such licence']) },
    });
    expect(await kit.target.look().currentRelease()).toBeUndefined();
    expect((await kit.target.look().status()).hosts.map(({ state }) => state)).toEqual(['stopped', 'failed']);
    const lines: string[] = [];
    await kit.target.logs('web', {
      ...kit.follow(),
      follow: false,
      emit: (event) => lines.push('line' in event ? event.line : ''),
    });
    expect(lines).toContain('no such licence');

    const repaired = await kit.publish({ scripts: { 'api.js': SERVER, 'boot.sh': '#!/bin/sh\nexit 0\n' } });
    expect(await kit.deploy(repaired, services)).toBe('applied');
  });

  test('a health check that is never answered fails within its limit, and says what came instead', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { 'api.js': SERVER } });
    const health = { kind: 'http', path: '/missing', timeoutMs: 400 } as const;
    await expect(kit.deploy(plan, [service('api', { run: 'api.js', port, health })])).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(/did not become healthy within 0\.4 s \(GET .*\/missing answered 404/),
      context: { log: expect.arrayContaining([`serving on ${port}`]) },
    });
  });

  test('a program that ends again and again fails without waiting for the limit of its health check', async () => {
    const plan = await kit.publish({ scripts: { 'api.sh': '#!/bin/sh\necho "cannot read the keystore"\nexit 7\n' } });
    const health = { kind: 'tcp', timeoutMs: 600_000 } as const;
    await expect(
      kit.deploy(plan, [service('api', { run: 'api.sh', port: await freePort(), health })]),
    ).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(/ended 5 times, last with exit status 7.*cannot read the keystore/),
    });
  });

  test('a script whose interpreter is not there is told apart from one that fails', async () => {
    const plan = await kit.publish({ scripts: { 'boot.x': '#!/no/such/interpreter\n' } });
    await expect(kit.deploy(plan, [service('api', { boot: 'boot.x' })])).rejects.toMatchObject({
      message: expect.stringContaining('the interpreter that its first line names, is not on this machine'),
    });
  });

  test('a program without port and check is healthy once it runs', async () => {
    const plan = await kit.publish({ scripts: { 'worker.sh': '#!/bin/sh\nexec sleep 600\n' } });
    await kit.deploy(plan, [service('worker', { run: 'worker.sh' })]);
    expect((await kit.target.look().status()).hosts).toMatchObject([
      { service: 'worker', state: 'healthy', port: undefined },
    ]);
  });
});
