import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { lacks } from '../../../test/requirements.js';
import { awsEnvironment, type Fault, faultyProxy, s3Server } from '../../../test/s3-server.js';
import type { RetryPolicy } from '../attempts.js';
import { S3Objects } from './objects.js';

afterEach(() => vi.unstubAllEnvs());

const policy: RetryPolicy = { signal: new AbortController().signal, onRetry: () => {}, baseDelayMs: 10 };

async function behind(fault: Fault = () => undefined) {
  const server = await s3Server();
  const proxy = await faultyProxy(server.endpoint, fault);
  for (const [name, value] of Object.entries(awsEnvironment(proxy.endpoint))) vi.stubEnv(name, value);
  const objects = new S3Objects();
  onTestFinished(() => objects.close());
  return { objects, seen: proxy.seen };
}

const answer = (status: number) => (_: unknown, response: ServerResponse) => void response.writeHead(status).end();

describe.skipIf(lacks('versitygw'))('objects on a real server', () => {
  test('are read as they were written, whatever is in their keys, and are gone once removed', async () => {
    const { objects } = await behind();
    const url = 's3://files/a b+(1)&<ü>/c';
    expect(await objects.get(url, policy)).toBeUndefined();
    await objects.put(url, 'one', policy);
    await objects.put(url, Buffer.from([0, 255, 1]), policy);
    expect(await objects.get(url, policy)).toEqual(Buffer.from([0, 255, 1]));
    expect(await objects.list('s3://files/a b+(1)&', policy)).toEqual(['<ü>/c']);
    await objects.remove(url, policy);
    await objects.remove(url, policy);
    expect(await objects.get(url, policy)).toBeUndefined();
  });

  test('are listed by what their keys begin with, all of them, however many pages that takes', async () => {
    const { objects, seen } = await behind();
    const names = Array.from({ length: 1003 }, (_, index) => `${index}`.padStart(4, '0'));
    for (let from = 0; from < names.length; from += 50)
      await Promise.all(names.slice(from, from + 50).map((name) => objects.put(`s3://files/many/${name}`, '', policy)));
    await objects.put('s3://files/other', '', policy);
    const before = seen.length;
    expect(await objects.list('s3://files/many/', policy)).toEqual(names);
    expect(seen.length - before).toBe(2);
  });

  test('in a bucket that is not there are an error, not absent', async () => {
    const { objects } = await behind();
    const refused = { code: 'SOURCE_REFUSED', message: expect.stringContaining('no bucket nowhere') };
    await expect(objects.get('s3://nowhere/key', policy)).rejects.toMatchObject(refused);
    await expect(objects.remove('s3://nowhere/key', policy)).rejects.toMatchObject(refused);
  });

  test('are written though the server fails at first, as often as the policy says', async () => {
    const { objects, seen } = await behind(({ count }) => (count <= 2 ? answer(503) : undefined));
    await objects.put('s3://files/key', 'value', policy);
    expect(seen).toEqual(['PUT', 'PUT', 'PUT']);
    expect(`${await objects.get('s3://files/key', policy)}`).toBe('value');
    await objects.put('s3://files/key', 'other', policy);
  });

  test('are given up after as many attempts as the policy says, and what is refused at once', async () => {
    const { objects, seen } = await behind(({ method }) => answer(method === 'PUT' ? 503 : 403));
    const unreachable = objects.put('s3://files/key', 'value', { ...policy, maxFailures: 3 });
    await expect(unreachable).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE', retryable: true });
    await expect(objects.get('s3://files/key', policy)).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(seen).toEqual(['PUT', 'PUT', 'PUT', 'GET']);
  });

  test('are sent with their digest, so that the server refuses what was spoiled on the way', async () => {
    let sent: unknown;
    const { objects } = await behind(() => (request, response) => {
      sent = request.headers['x-amz-checksum-sha256'];
      response.end();
    });
    await objects.put('s3://files/key', 'value', policy);
    expect(sent).toBe(createHash('sha256').update('value').digest('base64'));
  });
});
