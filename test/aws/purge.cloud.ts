import { DescribeFileSystemsCommand } from '@aws-sdk/client-efs';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import { type AwsContext, openContext } from '../../src/targets/aws/context.js';
import { destroy } from '../../src/targets/aws/destroy.js';
import { ensureFoundation } from '../../src/targets/aws/foundation.js';
import { lookAt } from '../../src/targets/aws/look.js';
import { uniqueName } from '../../src/targets/aws/names.js';
import { lacks } from '../requirements.js';
import { type Fault, type Region, startRegion } from './region.js';

describe.skipIf(lacks('moto'))('a `destroy --purge` that was interrupted', () => {
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

  const options = { emit: () => {}, signal: new AbortController().signal };
  const environment = (name: string): AwsContext =>
    openContext('sample', normalizeAwsEnvironment(name, { target: 'aws', region: region.name }));

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
  ])('%s is told by `deploy`, and gone on with by the next one', async (where, fault) => {
    const context = environment(where.replace(/^.* /, ''));
    const make = () => ensureFoundation(lookAt(context), { ...options, inputs: undefined });
    const { place } = await make();
    await place.bucket.put('sources/it', 'it');
    await region.faults(fault);
    await expect(destroy(context, { ...options, purge: true })).rejects.toMatchObject({ code: 'AWS_FAILED' });
    await region.faults();
    expect((await left(context)).bucket).toBe(true);
    await expect(make()).rejects.toMatchObject({
      code: 'STACK_STUCK',
      message: expect.stringContaining(place.bucket.name),
      hint: expect.stringContaining('prestage destroy --purge'),
    });
    await destroy(context, { ...options, purge: true });
    expect(await left(context)).toEqual({ fileSystems: 0, bucket: false });
    await make();
    await destroy(context, { ...options, purge: true });
    expect(await left(context)).toEqual({ fileSystems: 0, bucket: false });
  });
});
