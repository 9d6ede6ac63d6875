import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { lacks } from '../../../test/requirements.js';
import { awsEnvironment, type Fault, faultyProxy, s3Server } from '../../../test/s3-server.js';
import { S3Objects } from '../../remote/index.js';
import { remoteRun } from './remote-run.js';
import { RunMirror } from './run-mirror.js';

afterEach(() => vi.unstubAllEnvs());

const keys = remoteRun('runs/r1');
const policy = { signal: new AbortController().signal, onRetry: () => {} };
const result = { ok: true } as const;
const unavailable = (_: unknown, response: ServerResponse) => void response.writeHead(503).end();

/** A mirror of a run that has told this already. */
async function mirrorOf(events: string, fault: Fault = () => undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-mirror-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'events.ndjson'), events);
  const server = await s3Server();
  const proxy = await faultyProxy(server.endpoint, fault);
  for (const [name, value] of Object.entries(awsEnvironment(proxy.endpoint))) vi.stubEnv(name, value);
  const objects = new S3Objects();
  onTestFinished(() => objects.close());
  const mirror = new RunMirror(objects, { bucket: 'files', run: 'runs/r1' }, join(folder, 'events.ndjson'));
  mirror.start();
  const get = async (key: string) => (await objects.get(`s3://files/${key}`, policy))?.toString();
  const told = async () => {
    const names = await objects.list(`s3://files/${keys.events}`, policy);
    const texts = await Promise.all(names.map((name) => get(keys.events + name)));
    return { names, text: texts.join(''), sizes: texts.map((text) => text?.length ?? 0) };
  };
  return { mirror, get, told };
}

const lines = (count: number, length: number) =>
  Array.from({ length: count }, (_, index) => `${JSON.stringify({ index, text: 'x'.repeat(length) })}\n`).join('');

describe.skipIf(lacks('versitygw'))('the mirror of a run', () => {
  test('ends with all events in objects of whole lines, however many and long they are, and then the result', async () => {
    const events = lines(3000, 300) + lines(2, 700_000) + lines(10, 3);
    const { mirror, get, told } = await mirrorOf(events);
    await mirror.finish(result, AbortSignal.timeout(20_000));
    const { names, text, sizes } = await told();
    expect(text).toBe(events);
    expect(names).toEqual(names.map((_, index) => `${`${index + 1}`.padStart(10, '0')}.ndjson`));
    expect(Math.max(...sizes.slice(0, 3))).toBeLessThanOrEqual(256 * 1024);
    expect(await get(keys.result)).toBe(JSON.stringify(result));
  });

  test('ends so also where the bucket fails at the end', async () => {
    const events = lines(3000, 300);
    const { mirror, get, told } = await mirrorOf(events, ({ method, count }) =>
      method === 'PUT' && count <= 8 ? unavailable : undefined,
    );
    await mirror.finish(result, AbortSignal.timeout(60_000));
    expect((await told()).text).toBe(events);
    expect(await get(keys.result)).toBe(JSON.stringify(result));
  }, 90_000);

  test('gives up when it is told to, and says no result before all events', async () => {
    let isOpen = false;
    const { mirror, get, told } = await mirrorOf(lines(1, 3), () => (isOpen ? undefined : unavailable));
    const gone = mirror.finish(result, AbortSignal.timeout(1000));
    await expect(gone).rejects.toMatchObject({ name: 'TimeoutError' });
    isOpen = true;
    expect(await get(keys.result)).toBeUndefined();
    expect((await told()).names).toEqual([]);
  });

  test('has the log of what the agent complained of, and none where it did not', async () => {
    const { mirror, get } = await mirrorOf('');
    mirror.complain('one');
    mirror.complain('two');
    await mirror.finish(result, AbortSignal.timeout(20_000));
    expect(await get(keys.log)).toBe('one\ntwo\n');
    const silent = await mirrorOf('');
    await silent.mirror.finish(result, AbortSignal.timeout(20_000));
    expect(await silent.get(keys.log)).toBeUndefined();
  });
});
