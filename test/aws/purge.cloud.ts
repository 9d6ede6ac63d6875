import { DescribeFileSystemsCommand } from '@aws-sdk/client-efs';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import type { CommandContext } from '../../src/core/command-context.js';
import { destroy } from '../../src/targets/aws/destroy.js';
import { type AwsContext, openContext } from '../../src/targets/aws/environment/context.js';
import { uniqueName } from '../../src/targets/aws/environment/names.js';
import { CommandLock } from '../../src/targets/aws/exclusively.js';
import { ensureFoundation } from '../../src/targets/aws/foundation/ensure-foundation.js';
import { lookAt } from '../../src/targets/aws/look.js';
import { lacks } from '../requirements.js';
import { type Fault, type Region, startRegion } from './region.js';

describe.skipIf(lacks('moto'))('`destroy --purge`', () => {
  let region: Region;
  beforeAll(async () => {
    region = await startRegion();
    for (const [key, value] of Object.entries(region.env)) vi.stubEnv(key, value);
  }, 60_000);
  afterEach(() => region?.faults());
  afterAll(async () => {
    vi.unstubAllEnvs();
    await region?.stop();
  });

  const options = { emit: () => {}, signal: new AbortController().signal, wait: false };
  const environment = (name: string): AwsContext =>
    openContext('sample', normalizeAwsEnvironment(name, { target: 'aws', region: region.name }));

  const purge = (context: AwsContext, lock = new CommandLock()) => destroy(context, { ...options, purge: true }, lock);

  async function left(context: AwsContext): Promise<{ fileSystems: number; bucket: boolean }> {
    const { efs, s3 } = context.session;
    const { FileSystems = [] } = await efs.send(new DescribeFileSystemsCommand({}));
    const name = uniqueName(await context.scope());
    const bucket = await s3.send(new HeadBucketCommand({ Bucket: name })).then(
      () => true,
      () => false,
    );
    return { fileSystems: FileSystems.length, bucket };
  }

  test.each<[string, Fault]>([
    ['before the file system', { service: 'elasticfilesystem', path: '/file-systems/fs-', effect: 'denied' }],
    ['before the bucket', { service: 's3', action: 'DeleteBucket', effect: 'denied' }],
  ])('interrupted %s, is told by `deploy`, and gone on with by the next one', async (where, fault) => {
    const context = environment(where.replace(/^.* /, ''));
    const make = () => ensureFoundation(lookAt(context), { ...options, inputs: undefined });
    const { place } = await make();
    await place.bucket.put('sources/it', 'it');
    await region.faults(fault);
    await expect(purge(context)).rejects.toMatchObject({ code: 'AWS_FAILED' });
    await region.faults();
    expect((await left(context)).bucket).toBe(true);
    await expect(make()).rejects.toMatchObject({
      code: 'STACK_STUCK',
      message: expect.stringContaining(place.bucket.name),
      hint: expect.stringContaining('prestage destroy --purge'),
    });
    await purge(context);
    expect(await left(context)).toEqual({ fileSystems: 0, bucket: false });
    await make();
    await purge(context);
    expect(await left(context)).toEqual({ fileSystems: 0, bucket: false });
  });

  test('takes its own lock away with the bucket, and does not take that for a loss', async () => {
    const context = environment('locked');
    await ensureFoundation(lookAt(context), { ...options, inputs: undefined });
    await region.faults({ service: 's3', action: 'DeleteObjects', effect: 'late', ms: 3000 });
    const lock = new CommandLock({ renewMs: 1000 });
    const work = (held: CommandContext) => destroy(context, { ...held, purge: true }, lock);
    await lock.hold(context, 'destroy', options, work);
    expect(await left(context)).toEqual({ fileSystems: 0, bucket: false });
  });
});
