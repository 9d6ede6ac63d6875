import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { serve } from '../../../../test/http-server.js';
import { lacks } from '../../../../test/requirements.js';
import { awsEnvironment, type Fault, faultyProxy, s3Server } from '../../../../test/s3-server.js';
import { sha256 } from '../../../core/digest.js';
import type { PrestageEvent } from '../../../core/events.js';
import { type InputLocations, listFolder } from '../../../plan/index.js';
import type { PrepareJob } from '../../target.js';
import { Bucket } from './bucket.js';
import { packFolder } from './pack-folder.js';
import { uploadInputs } from './upload-inputs.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-upload-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

const { signal } = new AbortController();
const MIB = 1024 * 1024;

/** A bucket on a real S3 server behind a proxy that fails as told. */
async function bucketBehind(fault: Fault = () => undefined): Promise<{ bucket: Bucket; seen: string[] }> {
  const server = await s3Server();
  const proxy = await faultyProxy(server.endpoint, fault);
  const client = new S3Client({
    endpoint: proxy.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 6,
    // This server gives the checksum of an object's parts as if it were that of its bytes.
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: 'AKIATESTKEY', secretAccessKey: 'a-secret-of-tests' },
  });
  onTestFinished(() => client.destroy());
  return { bucket: new Bucket({ client, name: 'files' }), seen: proxy.seen };
}

function upload(
  bucket: Bucket,
  inputs: InputLocations,
  options: { signal?: AbortSignal; emit?: (event: PrestageEvent) => void } = {},
) {
  // Which inputs a plan has is nothing to an upload.
  return uploadInputs(bucket, { inputs } as PrepareJob, { signal, emit: () => {}, wait: false, ...options });
}

async function file(name: string, content: Buffer): Promise<InputLocations> {
  await writeFile(join(folder, name), content);
  return { [sha256(content)]: { kind: 'file', path: join(folder, name), size: content.length } };
}

/** Bytes that are everywhere different. */
function bytes(size: number): Buffer {
  const content = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) content.writeUInt32LE((at * 2654435761) >>> 0, at);
  return content;
}

async function contentOf({ client, name }: Bucket, key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

const puts = (seen: string[]) => seen.filter((method) => method === 'PUT').length;

describe.skipIf(lacks('versitygw'))('what a worker needs', () => {
  test('lies under its digest, is put once, and told of', async () => {
    const { bucket, seen } = await bucketBehind();
    const small = Buffer.from('a small one');
    const inputs = { ...(await file('small.txt', small)), ...(await file('with space.bin', bytes(100))) };
    const events: PrestageEvent[] = [];
    const located = await upload(bucket, inputs, { emit: (event) => events.push(event) });
    const key = `sources/${sha256(small)}/small.txt`;
    expect(located[sha256(small)]).toEqual({ kind: 's3', url: `s3://files/${key}`, size: small.length });
    expect(await contentOf(bucket, key)).toEqual(small);
    expect((await bucket.list('sources/')).map((each) => each.split('/').at(-1)).sort()).toEqual([
      'small.txt',
      'with_space.bin',
    ]);
    expect(events).toContainEqual({
      type: 'upload.finished',
      source: 'small.txt',
      bytes: small.length,
      durationMs: expect.any(Number),
    });

    // What is there is not even read.
    await rm(join(folder, 'small.txt'));
    const before = puts(seen);
    expect(await upload(bucket, inputs)).toEqual(located);
    expect(puts(seen)).toBe(before);
  });

  test('is put in parts at once where it is large, and is whole', async () => {
    const { bucket } = await bucketBehind();
    const large = bytes(20 * MIB + 5);
    const progress: number[] = [];
    await upload(bucket, await file('large.bin', large), {
      emit: (event) => void (event.type === 'upload.finished' && progress.push(event.bytes)),
    });
    expect(sha256(await contentOf(bucket, `sources/${sha256(large)}/large.bin`))).toBe(sha256(large));
    expect(progress).toEqual([large.length]);
  });

  test('goes on from the parts that are there where it was interrupted', async () => {
    const life = new AbortController();
    const large = bytes(60 * MIB);
    let parts = 0;
    const { bucket, seen } = await bucketBehind(({ method }) => {
      if (method === 'PUT') parts += 1;
      if (parts > 4) setTimeout(() => life.abort(new Error('interrupted')), 100);
      return undefined;
    });
    const inputs = await file('large.bin', large);
    await expect(upload(bucket, inputs, { signal: life.signal })).rejects.toThrow('interrupted');
    expect(await bucket.list('sources/')).toEqual([]);
    const before = puts(seen);
    await upload(bucket, inputs);
    expect(puts(seen) - before).toBeLessThanOrEqual(4); // of eight
    expect(sha256(await contentOf(bucket, `sources/${sha256(large)}/large.bin`))).toBe(sha256(large));
  });

  test('bears a server that is busy', async () => {
    const busy = (_: unknown, response: ServerResponse) =>
      void response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    const { bucket } = await bucketBehind(({ method, count }) =>
      method === 'PUT' && count % 3 === 1 ? busy : undefined,
    );
    const large = bytes(20 * MIB);
    await upload(bucket, await file('large.bin', large));
    expect(await bucket.sizeOf(`sources/${sha256(large)}/large.bin`)).toBe(large.length);
  });

  test('is not put where it is not what was pinned', async () => {
    const { bucket } = await bucketBehind();
    for (const size of [10, 20 * MIB]) {
      const inputs = await file('changing.bin', bytes(size));
      await writeFile(join(folder, 'changing.bin'), Buffer.alloc(size, 1));
      await expect(upload(bucket, inputs)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    }
    expect(await bucket.list('sources/')).toEqual([]);
  });

  test('may be a folder, which is a tar of the same bytes whenever and by whomever it is packed', async () => {
    const { bucket } = await bucketBehind();
    const packed = join(folder, 'packed');
    await mkdir(join(packed, 'a/b'), { recursive: true });
    await writeFile(join(packed, 'a/b/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(join(packed, 'ä'.repeat(60)), bytes(1000));
    await symlink('a/b/run.sh', join(packed, 'link'));
    const { sha256: digest, size } = await listFolder(packed);
    const located = await upload(bucket, { [digest]: { kind: 'folder', path: packed, size } });
    const key = `sources/${digest}/packed.tar`;
    const content = await contentOf(bucket, key);
    expect(located[digest]).toEqual({ kind: 'packed', url: `s3://files/${key}`, size: content.length });
    await utimes(join(packed, 'a/b/run.sh'), 1, 1);
    const chunks: Buffer[] = [];
    for await (const chunk of (await packFolder(packed, digest, signal)).content) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(content);

    await writeFile(join(packed, 'a/b/run.sh'), '#!/bin/dash\n');
    await expect(packFolder(packed, digest, signal)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('may be on a server that a worker has no way to, and stays where it is on S3', async () => {
    const { bucket } = await bucketBehind();
    const content = bytes(MIB);
    const server = await serve((_, response) => response.end(content));
    const url = `${server}/some/agent.tar.gz`;
    const elsewhere = { kind: 's3', url: 's3://others/x.jar', size: 7, pinnedBy: 'integrity' } as const;
    const located = await upload(bucket, {
      [sha256(content)]: { kind: 'http', url, size: content.length, pinnedBy: 'integrity' },
      ['1'.repeat(64)]: { ...elsewhere, cached: await readFile('/etc/hostname').then(() => '/etc/hostname') },
    });
    const key = `sources/${sha256(content)}/agent.tar.gz`;
    expect(located[sha256(content)]).toEqual({ kind: 's3', url: `s3://files/${key}`, size: content.length, said: {} });
    expect(await contentOf(bucket, key)).toEqual(content);
    expect(located['1'.repeat(64)]).toEqual(elsewhere);
  });

  test('is copied from another server that speaks as S3 does, to which a worker has neither a way nor a login', async () => {
    const { bucket } = await bucketBehind();
    const content = bytes(MIB);
    const vendor = await s3Server();
    await vendor.put('files/app/agent.tar.gz', content);
    for (const [name, value] of Object.entries(awsEnvironment(''))) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const place = { url: 's3://files/app/agent.tar.gz', endpoint: vendor.endpoint, size: content.length };
    const located = await upload(bucket, { [sha256(content)]: { kind: 's3', ...place } });
    const key = `sources/${sha256(content)}/agent.tar.gz`;
    expect(located[sha256(content)]).toEqual({ kind: 's3', url: `s3://files/${key}`, size: content.length });
    expect(await contentOf(bucket, key)).toEqual(content);
  });
});
