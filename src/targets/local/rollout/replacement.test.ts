import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
import { until } from '../../../../test/until.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const hosts = async () =>
  (await kit.target.look().status()).hosts.map(
    ({ service, index, release, state }) => `${service}-${index} ${release} ${state}`,
  );
/** How often each host's program ended and was started again. */
const restarts = async () => {
  const names = readdirSync(join(kit.root, 'hosts')).filter((name) => !name.startsWith('.'));
  const states = names.map(async (name) =>
    JSON.parse(await readFile(join(kit.root, 'hosts', name, 'state.json'), 'utf8')),
  );
  return Object.fromEntries((await Promise.all(states)).map(({ restarts }, index) => [names[index], restarts]));
};
const pidOf = async (port: number) => (await askJson(port, '/pid')).pid;
const types = () => kit.events.map((event) => ('host' in event ? `${event.type} ${event.host}` : event.type));

const SCRIPTS = { 'api.js': SERVER, 'web.js': `${SERVER}// web\n` };
/** Answers /health with 500 where the package's value says so. */
const FRAGILE = SERVER.replace(
  'response.statusCode =',
  "const broken = require('node:fs').readFileSync(process.env.PRESTAGE_ROOT + '/opt/server/value.txt', 'utf8') === 'broken';\n  if (broken) console.log('the schema is too new');\n  response.statusCode = broken ? 500 :",
);

describe('a second deployment', () => {
  test('lets services swap their ports: each is healthy only when it is the one that answers', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const release = await kit.publish({ scripts: SCRIPTS });
    const services = (api: number, web: number) => [
      service('api', { run: 'api.js', port: api, health: HEALTH }),
      service('web', { run: 'web.js', port: web, health: HEALTH }),
    ];
    await kit.deploy(release, services(one, two));
    expect(await kit.deploy(release, services(two, one))).toBe('applied');
    expect(await hosts()).toEqual([`api-0 ${release.release} healthy`, `web-0 ${release.release} healthy`]);
    expect(await askJson(two, '/')).toMatchObject({ PRESTAGE_SERVICE: 'api' });
    expect(await askJson(one, '/')).toMatchObject({ PRESTAGE_SERVICE: 'web' });
    expect(await restarts()).toEqual({ 'api-0': 0, 'web-0': 0 });
  });

  test('gives a new service the port of one that is removed, and back when the new one fails', async () => {
    const port = await freePort();
    const good = await kit.publish({ scripts: { 'site.js': SERVER } });
    await kit.deploy(good, [service('site', { run: 'site.js', port, health: HEALTH })]);
    const bad = await kit.publish({ scripts: { 'shop.js': '#!/usr/bin/env node\nprocess.exit(7)\n' } });
    await expect(kit.deploy(bad, [service('shop', { run: 'shop.js', port, health: HEALTH })])).rejects.toMatchObject({
      code: 'HOST_FAILED',
    });
    expect(await hosts()).toEqual([`site-0 ${good.release} healthy`]);

    const better = await kit.publish({ scripts: { 'shop.js': SERVER } });
    expect(await kit.deploy(better, [service('shop', { run: 'shop.js', port, health: HEALTH })])).toBe('applied');
    expect(await hosts()).toEqual([`shop-0 ${better.release} healthy`]);
    expect(await askJson(port, '/')).toMatchObject({ PRESTAGE_SERVICE: 'shop' });
    expect(await restarts()).toEqual({ 'shop-0': 0 });
  });

  test('replaces only the hosts of which something changed, one at a time, and keeps their ports', async () => {
    const [api, web] = [await freePort(), await freePort()];
    const services = [
      service('api', { run: 'api.js', needs: ['server'], count: 2, port: api, health: HEALTH }),
      service('web', { run: 'web.js', needs: ['themes'], port: web, health: HEALTH }),
    ];
    const first = await kit.publish({ scripts: SCRIPTS, packages: { server: '1', themes: '1' } });
    await kit.deploy(first, services);
    const before = { ports: (await kit.target.look().status()).hosts.map(({ port }) => port), web: await pidOf(web) };

    const second = await kit.publish({ scripts: SCRIPTS, packages: { server: '2', themes: '1' } });
    const { hosts: changes } = await kit.target.look().planServices(kit.deployment(second, services));
    expect(changes).toEqual([
      { host: 'api-0', service: 'api', action: 'replace', reason: 'package server changed' },
      { host: 'api-1', service: 'api', action: 'replace', reason: 'package server changed' },
      { host: 'web-0', service: 'web', action: 'keep', reason: 'unchanged' },
    ]);
    kit.events.length = 0;
    expect(await kit.deploy(second, services)).toBe('applied');
    expect(types().filter((type) => /starting|healthy|unchanged/.test(type) && !type.includes('web'))).toEqual([
      'host.starting api-0',
      'host.healthy api-0',
      'host.starting api-1',
      'host.healthy api-1',
    ]);
    expect(await hosts()).toEqual([
      `api-0 ${second.release} healthy`,
      `api-1 ${second.release} healthy`,
      `web-0 ${first.release} healthy`,
    ]);
    expect((await kit.target.look().status()).hosts.map(({ port }) => port)).toEqual(before.ports);
    expect(await pidOf(web)).toBe(before.web);
    expect(await kit.target.look().currentRelease()).toBe(second.release);
    expect(existsSync(join(kit.root, 'hosts/.previous'))).toBe(false);
  });

  test('does not prune a release that a host still runs on', async () => {
    const services = [service('web', { run: 'web.js', needs: ['themes'], port: await freePort(), health: HEALTH })];
    const releases = [];
    for (const server of ['1', '2', '3']) {
      const plan = await kit.publish({ scripts: SCRIPTS, packages: { server, themes: '1' } });
      await kit.deploy(plan, services);
      releases.push(plan.release);
    }
    const plan = await kit.target.look().planPrune(1);
    expect(plan.remove.map(({ release }) => release)).toEqual([releases[1]]);
    expect(plan.keep).toContainEqual({ release: releases[0], reason: 'web-0 runs on it' });
  });

  test('that was cut off still goes back to a release that is not current, after a prune of all that can go', async () => {
    const [api, web] = [await freePort(), await freePort()];
    const services = (generation: string) => [
      service('api', { run: 'api.js', needs: [], port: api, health: HEALTH, environment: { GENERATION: generation } }),
      service('web', {
        run: 'fragile.js',
        needs: ['server'],
        port: web,
        health: { ...HEALTH, timeoutMs: 2_000 },
        after: ['api'],
      }),
    ];
    const scripts = { ...SCRIPTS, 'fragile.js': FRAGILE };
    const first = await kit.publish({ scripts, packages: { server: 'good' } });
    await kit.deploy(first, services('1'));
    const second = await kit.publish({ scripts, packages: { server: 'better' } });
    await kit.deploy(second, services('1'));
    expect(await hosts()).toEqual([`api-0 ${first.release} healthy`, `web-0 ${second.release} healthy`]);

    const broken = await kit.publish({ scripts, packages: { server: 'broken' } });
    const interrupt = new AbortController();
    const cutOff = kit.target.look().applyServices(kit.deployment(broken, services('2')), {
      ...kit.follow(),
      signal: interrupt.signal,
      emit: (event) => {
        if (event.type === 'host.starting' && event.host === 'api-0') interrupt.abort(new Error('cut off'));
      },
    });
    await expect(cutOff).rejects.toThrow('cut off');
    const plan = await kit.target.look().planPrune(0);
    expect(plan.keep).toContainEqual({ release: first.release, reason: 'api-0 goes back to it' });
    await kit.target.prune(plan, kit.follow());

    await expect(kit.deploy(broken, services('2'))).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: expect.not.stringContaining('could not be brought back'),
      context: { reverted: expect.arrayContaining(['api-0']), notReverted: [] },
    });
    expect(await hosts()).toEqual([`api-0 ${first.release} healthy`, `web-0 ${second.release} healthy`]);
  });

  test('stops hosts beyond the count and of removed services, after the others are healthy', async () => {
    const plan = await kit.publish({ scripts: SCRIPTS });
    const api = await freePort();
    const apiService = { run: 'api.js', needs: [], port: api, health: HEALTH };
    await kit.deploy(plan, [
      service('api', { ...apiService, count: 2 }),
      service('old', { run: 'api.js', port: await freePort(), health: HEALTH }),
    ]);
    kit.events.length = 0;
    await kit.deploy(plan, [service('api', apiService)]);
    expect(await hosts()).toEqual([`api-0 ${plan.release} healthy`]);
    expect(types().slice(-2).sort()).toEqual(['host.stopped api-1', 'host.stopped old-0']);
    expect(readdirSync(join(kit.root, 'hosts'))).toEqual(['api-0']);
  });

  test('that fails brings replaced hosts back as they were, removes new ones, and leaves current alone', async () => {
    const [api, web] = [await freePort(), await freePort()];
    const services = [
      service('api', {
        run: 'api.js',
        boot: 'boot.sh',
        needs: [],
        port: api,
        health: HEALTH,
        environment: { GENERATION: '1' },
      }),
      service('web', {
        run: 'fragile.js',
        needs: ['server'],
        port: web,
        health: { ...HEALTH, timeoutMs: 1_500 },
        after: ['api'],
      }),
    ];
    const scripts = { ...SCRIPTS, 'fragile.js': FRAGILE, 'boot.sh': '#!/bin/sh\ndate +%s%N > booted-at\n' };
    const good = await kit.publish({ scripts, packages: { server: 'good' } });
    await kit.deploy(good, services);
    const bootsBefore = kit.events.filter(({ type }) => type === 'host.booted').length;

    const broken = await kit.publish({ scripts, packages: { server: 'broken' } });
    const [apiService, webService] = services;
    if (!apiService || !webService) throw new Error('there are two');
    const next = [
      { ...apiService, environment: { GENERATION: '2' } },
      webService,
      service('new', { run: 'api.js', port: await freePort(), health: HEALTH }),
    ];
    kit.events.length = 0;
    await expect(kit.deploy(broken, next)).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(
        /web-0 did not become healthy.* It said last: the schema is too new\. api-0, web-0 went back to what they were\. new-0 was removed again\. Release \w+ is still current\.$/s,
      ),
      context: {
        host: 'web-0',
        log: expect.arrayContaining(['the schema is too new']),
        reverted: ['api-0', 'web-0'],
        removed: ['new-0'],
      },
    });
    expect(await hosts()).toEqual([`api-0 ${good.release} healthy`, `web-0 ${good.release} healthy`]);
    expect((await askJson(api, '/')).GENERATION).toBe('1');
    expect(await kit.target.look().currentRelease()).toBe(good.release);
    expect((await kit.target.look().history()).map(({ release }) => release)).toEqual([good.release]);
    expect(kit.events.filter(({ type }) => type === 'host.reverting')).toMatchObject([
      { host: 'api-0', release: good.release },
      { host: 'web-0', release: good.release },
    ]);
    // The old host came back with its working folder: its boot script did not run again.
    expect(kit.events.filter((event) => event.type === 'host.booted' && event.host === 'api-0')).toHaveLength(
      bootsBefore,
    );
    expect(existsSync(join(kit.root, 'hosts/.previous'))).toBe(false);
    expect(await kit.deploy(good, services)).toBe('unchanged');
  });

  test('that was cut off goes back to the last good state when its repetition fails', async () => {
    const [api, web] = [await freePort(), await freePort()];
    const services = (generation: string) => [
      service('api', { run: 'api.js', needs: [], port: api, health: HEALTH, environment: { GENERATION: generation } }),
      service('web', {
        run: 'fragile.js',
        needs: ['server'],
        port: web,
        health: { ...HEALTH, timeoutMs: 2_000 },
        after: ['api'],
      }),
    ];
    const scripts = { ...SCRIPTS, 'fragile.js': FRAGILE };
    const good = await kit.publish({ scripts, packages: { server: 'good' } });
    await kit.deploy(good, services('1'));
    const broken = await kit.publish({ scripts, packages: { server: 'broken' } });

    const interrupt = new AbortController();
    const cutOff = kit.target.look().applyServices(kit.deployment(broken, services('2')), {
      ...kit.follow(),
      signal: interrupt.signal,
      emit: (event) => {
        if (event.type === 'host.starting' && event.host === 'web-0') interrupt.abort(new Error('cut off'));
      },
    });
    await expect(cutOff).rejects.toThrow('cut off');
    expect((await askJson(api, '/')).GENERATION).toBe('2');

    await expect(kit.deploy(broken, services('2'))).rejects.toMatchObject({ code: 'HOST_FAILED' });
    expect((await askJson(api, '/')).GENERATION).toBe('1');
    expect(await hosts()).toEqual([`api-0 ${good.release} healthy`, `web-0 ${good.release} healthy`]);
  });

  test('starts a host again whose processes were killed, without another boot', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: { ...SCRIPTS, 'boot.sh': '#!/bin/sh\necho once >> boots\n' } });
    const services = [service('api', { boot: 'boot.sh', run: 'api.js', port, health: HEALTH })];
    await kit.deploy(plan, services);
    const { cwd = '', pid } = await askJson(port, '/pid');
    const state = JSON.parse(await readFile(join(cwd, '../state.json'), 'utf8')) as { supervisor: { pid: number } };
    process.kill(state.supervisor.pid, 'SIGKILL');
    process.kill(Number(pid), 'SIGKILL');
    await until('the host to be down', async () => (await kit.target.look().status()).hosts[0]?.state === 'stopped');

    expect((await kit.target.look().planServices(kit.deployment(plan, services))).hosts).toMatchObject([
      { action: 'replace', reason: expect.stringContaining('does not run') },
    ]);
    expect(await kit.deploy(plan, services)).toBe('applied');
    expect(await readFile(join(cwd, 'boots'), 'utf8')).toBe('once\n');
    expect(await pidOf(port)).not.toBe(pid);
  });

  test('a program that ends by itself is started again by its supervisor', async () => {
    const port = await freePort();
    const plan = await kit.publish({ scripts: SCRIPTS });
    await kit.deploy(plan, [service('api', { run: 'api.js', port, health: HEALTH })]);
    const before = await pidOf(port);
    process.kill(Number(before), 'SIGKILL');
    const after = await until('another process to answer', async () => {
      const pid = await pidOf(port).catch(() => undefined);
      return pid !== before && pid;
    });
    expect(after).not.toBe(before);
    await until('the host to be healthy', async () => (await hosts())[0] === `api-0 ${plan.release} healthy`);
  });
});
