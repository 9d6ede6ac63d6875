import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormationClient, ListStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AwsEnvironment } from '../../src/plan/index.js';
import { openAwsTarget } from '../../src/targets/aws/index.js';
import type { Deployment, Target } from '../../src/targets/target.js';
import { lacks } from '../requirements.js';
import { type Region, startRegion } from './region.js';
import { OWN_NETWORK, SERVICES } from './template-inputs.js';

/** Roll-outs without machines: the test says for each host how it is, and looks where the load balancer sends connections. */

const STACK = 'prestage-portal-dev-infrastructure';
const [, api, web] = SERVICES as [Service, Service, Service];
type Service = (typeof SERVICES)[number];
const services = [
  { ...api, after: [], needs: [], allow: ['10.9.0.0/16'] },
  { ...web, needs: [] },
];

describe.skipIf(lacks('moto'))('a roll-out', () => {
  let region: Region;
  let target: Target;
  /** Hosts whose wait conditions are told of a failure, by their resources. */
  let failing = /^$/;
  let done = false;
  let signalling: Promise<void>;

  beforeAll(async () => {
    region = await startRegion();
    Object.assign(process.env, region.env);
    const environment: AwsEnvironment = {
      ...{ name: 'dev', target: 'aws', region: region.name, network: OWN_NETWORK, ha: false },
      instanceTypes: { worker: 'm7i.large', hosts: 't3.medium', database: 'db.t4g.medium', services: {} },
    };
    target = openAwsTarget({ project: 'portal', environment });
    signalling = signalAll();
  }, 60_000);
  afterAll(async () => {
    done = true;
    await signalling;
    await region?.stop();
  });

  async function signalAll(): Promise<void> {
    const client = new CloudFormationClient({ region: region.name, endpoint: region.endpoint });
    const told = new Set<string>();
    while (!done) {
      await sleep(200);
      const found = await client.send(new ListStackResourcesCommand({ StackName: STACK })).catch(() => undefined);
      for (const {
        LogicalResourceId: id = '',
        PhysicalResourceId: url = '',
        ResourceType,
      } of found?.StackResourceSummaries ?? []) {
        if (ResourceType !== 'AWS::CloudFormation::WaitConditionHandle' || !url.startsWith('http') || told.has(url))
          continue;
        told.add(url);
        const Status = failing.test(id) ? 'FAILURE' : 'SUCCESS';
        await fetch(url, {
          method: 'PUT',
          body: Buffer.from(JSON.stringify({ Status, UniqueId: id, Data: '', Reason: 'said so' })),
        });
      }
    }
  }

  function deploy(release: string, change: Partial<Deployment> = {}) {
    const deployment: Deployment = {
      environment: 'dev',
      release: { release: release.repeat(16), packages: [], scripts: [] },
      services: { services },
      ...change,
    };
    const context = { emit: () => {}, signal: new AbortController().signal, wait: false };
    return target.exclusively('deploy', context, (held) => target.look().applyServices(deployment, held));
  }

  /** What went wrong for who asked the balancer all the time while `work` went on. */
  async function lostWhile(work: () => Promise<unknown>): Promise<string[]> {
    const lost = new Set<string>();
    let over = false;
    const asking = (async () => {
      while (!over) {
        const { balancers, instances } = await region.machines();
        const running = new Set(instances.filter(({ state }) => state === 'running').map(({ address }) => address));
        const targets = balancers[0]?.listeners[0]?.targets ?? [];
        if (targets.length === 0) lost.add('nobody takes connections');
        for (const { address } of targets)
          if (!running.has(address)) lost.add(`${address} takes connections, and is gone`);
        await sleep(100);
      }
    })();
    try {
      await work();
    } finally {
      over = true;
      await asking;
    }
    return [...lost];
  }

  const hosts = async () =>
    (await region.machines()).instances
      .filter(({ state }) => state === 'running')
      .map(({ id }) => id)
      .sort();

  test('has somebody who takes connections at every moment, also of one that fails and of one that is refused', async () => {
    expect(await deploy('a')).toBe('applied');
    const first = await hosts();
    expect(first).toHaveLength(3);

    expect(await lostWhile(() => deploy('b'))).toEqual([]);
    const second = await hosts();
    expect(second).toHaveLength(3);
    expect(second.filter((id) => first.includes(id))).toEqual([]);
    expect(await target.look().currentRelease()).toBe('b'.repeat(16));
    expect(await deploy('b')).toBe('unchanged');

    // Hosts of the service come up, and then another one does not.
    failing = /^HostWeb/;
    const failed = () => expect(deploy('c')).rejects.toMatchObject({ code: 'STACK_FAILED' });
    expect(await lostWhile(failed)).toEqual([]);
    expect(await hosts()).toEqual(second);
    failing = /^$/;

    // One host more of a service replaces none.
    const more = { services: { services: services.map((it) => (it.name === api.name ? { ...it, count: 3 } : it)) } };
    expect(await lostWhile(() => deploy('b', more))).toEqual([]);
    const third = await hosts();
    expect(third).toHaveLength(4);
    expect(third).toEqual(expect.arrayContaining(second));

    // And away again.
    expect(await lostWhile(() => deploy('b'))).toEqual([]);
    expect(await hosts()).toEqual(second);

    // All say that they are healthy, and their balancer does not find them so.
    await region.unhealthyTargets(true);
    const refused = () => expect(deploy('d')).rejects.toMatchObject({ code: 'HOST_FAILED' });
    expect(await lostWhile(refused)).toEqual([]);
    await region.unhealthyTargets(false);
    expect(await hosts()).toEqual(second);
    expect(await target.look().currentRelease()).toBe('b'.repeat(16));
  }, 600_000);
});
