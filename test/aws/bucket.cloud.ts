import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import * as z from 'zod';
import { mapBounded } from '../../src/core/bounded.js';
import { sha256 } from '../../src/core/digest.js';
import type { InputLocations } from '../../src/plan/index.js';
import { Bucket } from '../../src/targets/aws/bucket/bucket.js';
import { appendDeployment, forgetDeployments, readDeployments } from '../../src/targets/aws/bucket/deployments.js';
import { readIndex } from '../../src/targets/aws/bucket/index-of-store.js';
import { indexKeys } from '../../src/targets/aws/bucket/layout.js';
import { acquireLock, readLockHolder } from '../../src/targets/aws/bucket/lock.js';
import { emptyBucket } from '../../src/targets/aws/bucket/purge.js';
import { uploadInputs } from '../../src/targets/aws/bucket/upload-inputs.js';
import type { PrepareJob } from '../../src/targets/target.js';
import { lacks } from '../requirements.js';
import { type Region, startRegion } from './region.js';

describe.skipIf(lacks('moto'))('the bucket of an environment', () => {
  let region: Region;
  let count = 0;
  beforeAll(async () => {
    region = await startRegion();
  }, 60_000);
  afterAll(() => region?.stop());

  function clientOf(accessKeyId = 'AKIATESTKEY', inRegion = region.name): S3Client {
    return new S3Client({
      endpoint: region.endpoint,
      region: inRegion,
      forcePathStyle: true,
      maxAttempts: 6,
      credentials: { accessKeyId, secretAccessKey: 'a-secret-of-tests' },
    });
  }

  async function newBucket(): Promise<Bucket> {
    const client = clientOf();
    count += 1;
    const name = `files-${count}`;
    const location = { LocationConstraint: region.name as 'eu-central-1' };
    await client.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: location }));
    await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }));
    return new Bucket({ client, name });
  }

  const patient = { wait: false, signal: new AbortController().signal, onWait: () => {} };
  const services = { services: [] };

  test('gives back what was put, and nothing where nothing was', async () => {
    const bucket = await newBucket();
    await bucket.putJson('a/b.json', { n: 1 });
    expect((await bucket.getJson('a/b.json', z.object({ n: z.int() })))?.value).toEqual({ n: 1 });
    expect(await bucket.getText('a/c.json')).toBeUndefined();
    expect([await bucket.sizeOf('a/b.json'), await bucket.sizeOf('a/c.json')]).toEqual([8, undefined]);
    await expect(bucket.getJson('a/b.json', z.object({ m: z.int() }))).rejects.toMatchObject({ code: 'STORE_INVALID' });
  });

  test('puts under a condition, or says that it did not', async () => {
    const bucket = await newBucket();
    const first = await bucket.putJson('once', 1, { ifNoneMatch: '*' });
    expect(first).toBeDefined();
    expect(await bucket.putJson('once', 2, { ifNoneMatch: '*' })).toBeUndefined();
    const second = await bucket.putJson('once', 3, { ifMatch: first ?? '' });
    expect(second).not.toBe(first);
    expect(await bucket.putJson('once', 4, { ifMatch: first ?? '' })).toBeUndefined();
    expect(await bucket.getText('once')).toBe('3\n');
  });

  test('lists more than a page holds, and names of folders', async () => {
    const bucket = await newBucket();
    const keys = Array.from({ length: 1005 }, (_, n) => `many/${String(n).padStart(4, '0')}/x`);
    await mapBounded(keys, 32, (key) => bucket.put(key, ''));
    expect(await bucket.list('many/')).toEqual(keys);
    expect(await bucket.listNames('many/')).toHaveLength(1005);
    await bucket.delete(...keys);
    expect(await bucket.list('many/')).toEqual([]);
  });

  test('gets the sources that are in buckets of another region, which an endpoint of S3 does not lead to', async () => {
    for (const [key, value] of Object.entries(region.env)) vi.stubEnv(key, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const bucket = await newBucket();
    const inputs: InputLocations = {};
    for (const [name, location] of [
      ['near', region.name],
      ['far', 'us-west-2'],
    ] as const) {
      const client = clientOf('AKIATESTKEY', location);
      const configuration = { LocationConstraint: location as 'us-west-2' };
      await client.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: configuration }));
      await new Bucket({ client, name }).put('it.bin', name);
      inputs[sha256(name)] = { kind: 's3', url: `s3://${name}/it.bin`, size: name.length, pinnedBy: 'integrity' };
    }
    const options = { emit: () => {}, signal: new AbortController().signal, wait: false };
    const upload = (more: object) => uploadInputs(bucket, { inputs } as PrepareJob, { ...options, ...more });
    expect(await upload({})).toEqual(inputs);
    expect(await upload({ onlyRegion: region.name })).toEqual({
      [sha256('near')]: inputs[sha256('near')],
      [sha256('far')]: { kind: 's3', url: `s3://${bucket.name}/sources/${sha256('far')}/it.bin`, size: 3 },
    });
    expect(await bucket.getText(`sources/${sha256('far')}/it.bin`)).toBe('far');
  });

  test('is emptied of every version, mark and unfinished upload', async () => {
    const bucket = await newBucket();
    for (const text of ['1', '2', '3']) await bucket.put('kept', text);
    await bucket.delete('kept');
    await emptyBucket(bucket);
    const { ListObjectVersionsCommand } = await import('@aws-sdk/client-s3');
    const left = await bucket.client.send(new ListObjectVersionsCommand({ Bucket: bucket.name }));
    expect([left.Versions ?? [], left.DeleteMarkers ?? []]).toEqual([[], []]);
  });

  test('numbers deployments, and never loses one to another that is added at the same time', async () => {
    const bucket = await newBucket();
    const deployed = (release: string) => ({ release, deployedAt: '2026-01-01T00:00:00.000Z', services });
    await appendDeployment(bucket, deployed('r1'));
    await appendDeployment(bucket, deployed('r2'));
    expect((await readDeployments(bucket)).map(({ release }) => release)).toEqual(['r1', 'r2']);
    const both = await Promise.allSettled([
      appendDeployment(bucket, deployed('r3')),
      appendDeployment(bucket, deployed('r4')),
    ]);
    const added = both.filter(({ status }) => status === 'fulfilled').length;
    expect(await readDeployments(bucket)).toHaveLength(2 + added);
    for (const outcome of both)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'LEASE_LOST' });
    await forgetDeployments(bucket);
    expect(await readDeployments(bucket)).toEqual([]);
  });

  test('tells what a store holds by its index, oldest release first', async () => {
    const bucket = await newBucket();
    const keys = indexKeys('fs-1');
    const record = (release: string, createdAt: string) => ({
      format: 1,
      release,
      digest: 'd'.repeat(64),
      name: 'portal',
      createdAt,
      createdBy: 'prestage 0',
      packages: [],
      scripts: [],
    });
    await bucket.put(keys.tree('app-1'), '');
    await bucket.putJson(keys.release('b'), record('b', '2026-01-01T00:00:00.000Z'));
    await bucket.putJson(keys.release('a'), record('a', '2026-01-02T00:00:00.000Z'));
    const index = await readIndex(bucket, 'fs-1');
    expect([...index.trees]).toEqual(['app-1']);
    expect(index.releases.map(({ release }) => release)).toEqual(['b', 'a']);
    expect(await readIndex(bucket, 'fs-2')).toEqual({ trees: new Set(), releases: [] });
  });

  test('of commands that want its lock at once, one gets it', async () => {
    const bucket = await newBucket();
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c', 'd'].map((run) => acquireLock(bucket, { run, command: 'deploy' }, patient)),
    );
    const held = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(held).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'LOCKED', message: expect.stringContaining('deploy, on ') });
    expect(await readLockHolder(bucket)).toMatchObject({ command: 'deploy' });
    await held[0]?.value.release();
    expect(await readLockHolder(bucket)).toBeUndefined();
    await (await acquireLock(bucket, { run: 'e', command: 'deploy' }, patient)).release();
  });

  test('the lock of a command that waits is had when the other lets go', async () => {
    const bucket = await newBucket();
    const first = await acquireLock(bucket, { run: 'a', command: 'deploy' }, patient);
    const waited: string[] = [];
    const second = acquireLock(
      bucket,
      { run: 'b', command: 'prune' },
      { ...patient, wait: true, pollMs: 50, onWait: ({ run }) => waited.push(run) },
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    await first.release();
    const lock = await second;
    expect(waited).toEqual(['a']);
    await lock.release();
  });

  test('the lock of a process of this machine that is gone is taken over at once, and its holder would know', async () => {
    const bucket = await newBucket();
    const first = await acquireLock(bucket, { run: 'a', command: 'deploy' }, { ...patient, renewMs: 100 });
    const { thisProcess } = await import('../../src/core/this-process.js');
    const gone = { run: 'dead', command: 'deploy', process: { ...thisProcess(), pid: 2 ** 22 + 1 }, renewal: 0 };
    await bucket.putJson('lock.json', gone);
    const second = await acquireLock(bucket, { run: 'b', command: 'rollback' }, patient);
    await new Promise((resolve) => {
      if (first.lost.aborted) resolve(undefined);
      first.lost.addEventListener('abort', resolve);
    });
    expect(first.lost.reason).toMatchObject({ code: 'LEASE_LOST' });
    await first.release();
    expect(await readLockHolder(bucket)).toMatchObject({ run: 'b' });
    await second.release();
  });

  test('a lock of another machine that is not renewed any more is taken over, and one that is renewed is not', async () => {
    const bucket = await newBucket();
    const { thisProcess } = await import('../../src/core/this-process.js');
    const elsewhere = {
      run: 'far',
      command: 'deploy',
      process: { ...thisProcess(), machine: 'another' },
      renewal: 0,
    };
    await bucket.putJson('lock.json', elsewhere);
    await expect(acquireLock(bucket, { run: 'b', command: 'deploy' }, patient)).rejects.toMatchObject({
      code: 'LOCKED',
    });
    const lock = await acquireLock(
      bucket,
      { run: 'b', command: 'deploy' },
      { ...patient, wait: true, renewMs: 300, pollMs: 100 },
    );
    await lock.release();
  });

  test.each([
    ['expired', 'AWS_SETTINGS', 'the AWS credentials have expired', 'aws sso login'],
    ['denied', 'AWS_FAILED', 'the credentials may not do that', 'prestage doctor --iam'],
  ] as const)('credentials that are %s are told of, with what to do', async (effect, code, said, hint) => {
    const accessKey = `AKIA${effect.toUpperCase()}`;
    const { name } = await newBucket();
    await region.faults({ service: 's3', accessKey, effect });
    const bucket = new Bucket({ client: clientOf(accessKey), name });
    await expect(bucket.getText('a')).rejects.toMatchObject({
      code,
      message: expect.stringContaining(said),
      hint: expect.stringContaining(hint),
    });
  });

  test('overload is waited for', async () => {
    const accessKey = 'AKIASLOW';
    const { name } = await newBucket();
    await region.faults({ service: 's3', accessKey, effect: 'slow-down', times: 3 });
    const bucket = new Bucket({ client: clientOf(accessKey), name });
    await bucket.put('a', 'b');
    expect(await bucket.getText('a')).toBe('b');
  });

  test('a server that is not there is named', async () => {
    const client = new S3Client({
      endpoint: 'http://127.0.0.1:1',
      region: 'eu-central-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    await expect(new Bucket({ client, name: 'files' }).getText('a')).rejects.toMatchObject({
      code: 'AWS_FAILED',
      message: expect.stringContaining('AWS did not answer'),
    });
  });
});
