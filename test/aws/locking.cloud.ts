import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { thisProcess } from '../../src/core/this-process.js';
import type { AwsEnvironment } from '../../src/plan/index.js';
import type { Bucket } from '../../src/targets/aws/bucket/bucket.js';
import { LOCK_KEY } from '../../src/targets/aws/bucket/layout.js';
import { acquireLock, readLockHolder } from '../../src/targets/aws/bucket/lock.js';
import { openContext } from '../../src/targets/aws/environment/context.js';
import { foundationStackName } from '../../src/targets/aws/environment/names.js';
import { CommandLock } from '../../src/targets/aws/exclusively.js';
import { unknownOutputs } from '../../src/targets/aws/foundation/outputs.js';
import { openAwsTarget } from '../../src/targets/aws/index.js';
import { locking } from '../locking.js';
import { lacks } from '../requirements.js';
import { bucketOf, newBucket } from './bucket.js';
import { type Region, startRegion } from './region.js';

const PACE = { renewMs: 60, pollMs: 30 };

describe.skipIf(lacks('moto'))('in the emulated region', () => {
  let region: Region;
  let count = 0;
  beforeAll(async () => {
    region = await startRegion();
    Object.assign(process.env, region.env);
  }, 60_000);
  afterAll(() => region?.stop());

  /** An environment whose foundation is a bucket alone. */
  async function foundation(): Promise<{ project: string; environment: AwsEnvironment; bucket: Bucket }> {
    const bucket = await newBucket(region);
    count += 1;
    const project = `locking-${count}`;
    const environment: AwsEnvironment = {
      name: 'dev',
      target: 'aws',
      region: region.name,
      network: { kind: 'own', cidr: '10.20.0.0/16', nat: 'none' },
      ha: false,
      instanceTypes: { worker: 'm7i.large', hosts: 't3.medium', database: 'db.t4g.medium', services: {} },
    };
    const outputs = { ...unknownOutputs(), BucketName: bucket.name };
    const client = new CloudFormationClient({ region: region.name });
    const StackName = foundationStackName({ project, environment: 'dev' });
    const TemplateBody = JSON.stringify({
      Resources: { Another: { Type: 'AWS::S3::Bucket', Properties: {} } },
      Outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, { Value: String(value) }])),
    });
    await client.send(new CreateStackCommand({ StackName, TemplateBody }));
    await waitUntilStackCreateComplete({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StackName });
    client.destroy();
    return { project, environment, bucket };
  }

  locking('AWS', async () => {
    const { project, environment, bucket } = await foundation();
    const holder = async () => (await readLockHolder(bucket))?.command;
    return {
      // Each command is a process of its own.
      exclusively: (command, context, work) =>
        new CommandLock(PACE).hold(openContext(project, environment), command, context, work),
      holder,
      async steal(thief) {
        await bucket.putJson(LOCK_KEY, { run: thief, command: thief, process: thisProcess(), renewal: 0 });
      },
      remove: () => bucket.delete(LOCK_KEY),
      close: async () => {},
    };
  });

  test('a lock whose renewals do not get through is given up before others may take it', async () => {
    const { name } = await newBucket(region);
    const accessKey = 'AKIACUTOFF';
    const silent = bucketOf(region, name, accessKey);
    const renewMs = 200;
    const claim = { run: 'a', command: 'deploy' };
    const lock = await acquireLock(silent, claim, {
      wait: false,
      signal: new AbortController().signal,
      onWait: () => {},
      renewMs,
    });
    const held = performance.now();
    await region.faults({ service: 's3', accessKey, effect: 'unavailable' });
    await new Promise((resolve) => lock.lost.addEventListener('abort', resolve, { once: true }));
    expect(performance.now() - held).toBeLessThan(6 * renewMs);
    expect(lock.lost.reason).toMatchObject({
      code: 'LEASE_LOST',
      message: expect.stringContaining('could not be renewed'),
    });
    // It is there still: nobody else could have had it.
    expect(await bucketOf(region, name).getText(LOCK_KEY)).toContain('"run":"a"');
    void lock.release();
  });

  test('a lock whose answer was lost when it was taken is ours all the same', async () => {
    const { name } = await newBucket(region);
    const accessKey = 'AKIALOSTANSWER';
    const bucket = bucketOf(region, name, accessKey);
    await region.faults({ service: 's3', action: 'PutObject', accessKey, effect: 'lost', times: 1 });
    const claim = { run: 'a', command: 'deploy' };
    const lock = await acquireLock(bucket, claim, {
      wait: false,
      signal: new AbortController().signal,
      onWait: () => {},
    });
    expect(await readLockHolder(bucket)).toMatchObject(claim);
    await lock.release();
    expect(await readLockHolder(bucket)).toBeUndefined();
  });

  test('a lock that another took since we looked stays when we release ours', async () => {
    const bucket = await newBucket(region);
    await bucket.put(LOCK_KEY, 'theirs');
    expect(await bucket.deleteIf(LOCK_KEY, '"0123456789abcdef0123456789abcdef"')).toBe(false);
    expect(await bucket.getText(LOCK_KEY)).toBe('theirs');
    const etag = await bucket.put(LOCK_KEY, 'ours');
    expect(await bucket.deleteIf(LOCK_KEY, etag ?? '')).toBe(true);
    expect(await bucket.getText(LOCK_KEY)).toBeUndefined();
    expect(await bucket.deleteIf(LOCK_KEY, etag ?? '')).toBe(false);
  });

  test('a prune that has nothing to remove starts nothing', async () => {
    const { project, environment } = await foundation();
    const before = (await region.calls({ action: 'RunInstances' })).length;
    const context = { emit: () => {}, signal: new AbortController().signal, wait: false };
    await openAwsTarget({ project, environment }).prune(
      { keep: [], remove: [], trees: [], aside: [], bytes: 0 },
      context,
    );
    expect((await region.calls({ action: 'RunInstances' })).length).toBe(before);
  });

  test('a prune and a verify that are interrupted start nothing', async () => {
    const { project, environment } = await foundation();
    const target = openAwsTarget({ project, environment });
    const before = (await region.calls({ action: 'RunInstances' })).length;
    const context = { emit: () => {}, signal: AbortSignal.abort(new Error('Ctrl-C')), wait: false };
    const plan = { keep: [], remove: [], trees: [{ tree: 'app-1', bytes: 1 }], aside: [], bytes: 1 };
    await expect(target.prune(plan, context)).rejects.toThrow('Ctrl-C');
    await expect(target.verify({ deep: false }, context)).rejects.toThrow('Ctrl-C');
    expect((await region.calls({ action: 'RunInstances' })).length).toBe(before);
  });
});
