import { CreateLaunchTemplateCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import type { PrestageEvent } from '../../src/core/events.js';
import { runKeys } from '../../src/targets/aws/bucket/layout.js';
import { type AwsContext, openContext, type Place } from '../../src/targets/aws/environment/context.js';
import { runTask } from '../../src/targets/aws/worker/run-task.js';
import { lacks } from '../requirements.js';
import { until } from '../until.js';
import { newBucket } from './bucket.js';
import { type Region, startRegion } from './region.js';
import { someInfrastructure } from './template-inputs.js';

/** A worker's machine as EC2 tells of it. There are no machines here: the test itself says what a worker would say. */
describe.skipIf(lacks('moto'))('the launch of a worker', () => {
  let region: Region;
  let context: AwsContext;
  let place: Place;
  let events: PrestageEvent[] = [];
  beforeAll(async () => {
    region = await startRegion();
    for (const [key, value] of Object.entries(region.env)) vi.stubEnv(key, value);
    context = openContext('sample', normalizeAwsEnvironment('dev', { target: 'aws', region: region.name }));
    const { ec2 } = context.session;
    const { LaunchTemplate } = await ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: 'workers',
        LaunchTemplateData: { ImageId: 'ami-12345678', InstanceType: 'm7i.large' },
      }),
    );
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    place = {
      scope: await context.scope(),
      bucket: await newBucket(region),
      outputs: {
        ...someInfrastructure().foundation,
        WorkerSubnetIds: Subnets.slice(0, 2).map(({ SubnetId = '' }) => SubnetId),
        LaunchTemplateId: LaunchTemplate?.LaunchTemplateId ?? '',
      },
    };
  }, 60_000);
  afterEach(() => region?.launches({}));
  afterAll(async () => {
    vi.unstubAllEnvs();
    await region?.stop();
  });

  function verify(patience: { unknownMs?: number; startMs?: number } = {}) {
    events = [];
    return runTask(
      context,
      place,
      { kind: 'verify', deep: false },
      {
        emit: (event) => events.push(event),
        signal: new AbortController().signal,
        wait: false,
        patience: { pollMs: 100, startMs: 20_000, silenceMs: 20_000, goneMs: 500, unknownMs: 20_000, ...patience },
      },
    );
  }

  /** The machine that was launched last. */
  async function launched(count = 1) {
    const found = await until('a launch', () => {
      const all = events.filter((event) => event.type === 'machine.launched');
      return all.length >= count && all.at(-1);
    });
    return found as { run: string; instance: string };
  }

  /** Says that the run of the machine is done. */
  async function succeed({ run }: { run: string }): Promise<void> {
    const report = { checked: 0, releases: [], differences: [] };
    await place.bucket.putJson(runKeys(run).result, { ok: true, report });
  }

  const stateOf = async (id: string) =>
    (await region.machines()).instances.find((instance) => instance.id === id)?.state;

  test('that EC2 does not know yet is waited for', async () => {
    await region.launches({ unknownMs: 1500 });
    const verified = verify();
    const machine = await launched();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await succeed(machine);
    expect(await verified).toMatchObject({ ok: true });
    expect(await stateOf(machine.instance)).toBe('terminated');
    expect(events.at(-1)).toMatchObject({ type: 'machine.ended', instance: machine.instance });
  });

  test('that is given up before EC2 knows it is ended all the same', async () => {
    await region.launches({ unknownMs: 3000 });
    await expect(verify({ startMs: 1000 })).rejects.toMatchObject({ code: 'WORKER_DIED' });
    expect(await stateOf((await launched()).instance)).toBe('terminated');
  });

  test('that EC2 never comes to know is gone after a while', async () => {
    await region.launches({ unknownMs: 60_000 });
    await expect(verify({ unknownMs: 1000 })).rejects.toMatchObject({
      code: 'WORKER_DIED',
      message: expect.stringContaining('ended without a result'),
    });
  });

  test('that EC2 gives up ends with what EC2 says, and with what helps', async () => {
    await region.launches({ givenUp: [{ code: 'Client.InternalError', message: 'Client error on launch' }] });
    await expect(verify()).rejects.toMatchObject({
      code: 'WORKER_DIED',
      message: expect.stringContaining('(EC2 says: Client.InternalError: Client error on launch)'),
      hint: expect.stringContaining('kms:CreateGrant'),
      context: { awsCode: 'Client.InternalError' },
    });
  });

  test('for which a zone turns out to have no room is tried in the next one', async () => {
    const full = { code: 'Server.InsufficientInstanceCapacity', message: 'Insufficient capacity' };
    await region.launches({ givenUp: [full] });
    const verified = verify();
    const second = await launched(2);
    await succeed(second);
    expect(await verified).toMatchObject({ ok: true });
    await region.launches({ givenUp: [full, full] });
    await expect(verify()).rejects.toMatchObject({
      code: 'WORKER_DIED',
      hint: expect.stringContaining('instanceTypes.worker'),
    });
  });
});
