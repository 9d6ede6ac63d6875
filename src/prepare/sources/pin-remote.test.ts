import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serve } from '../../../test/http-server.js';
import { sha256 } from '../../core/digest.js';
import { locateCached, RemotePins } from './pin-remote.js';

const content = Buffer.from('a vendor archive, small');
const digest = sha256(content);
let cacheFolder: string;
let url: string;
let requests: string[];

beforeEach(async () => {
  cacheFolder = join(await mkdtemp(join(tmpdir(), 'prestage-pin-')), 'sources');
  requests = [];
});
afterEach(() => rm(join(cacheFolder, '..'), { recursive: true }));

/** Serves a file at `url`, and notes the methods of the requests. */
async function serveFile(answer: RequestListener): Promise<void> {
  const server = await serve((request, response) => {
    requests.push(request.method ?? '');
    answer(request, response);
  });
  url = `${server}/a.zip`;
}

const whole: RequestListener = (_, response) =>
  response.writeHead(200, { etag: '"v1"', 'content-length': content.length }).end(content);

const pin = async (integrity?: string) => {
  const pins = new RemotePins({ cacheFolder, emit: () => {}, signal: new AbortController().signal });
  try {
    return await pins.pin({ url, integrity, package: 'installer' });
  } finally {
    await pins.close();
  }
};

test('downloads a source once, and keeps it under its digest', async () => {
  await serveFile(whole);
  await expect(pin()).resolves.toEqual({ sha256: digest, size: content.length, version: '"v1"' });
  expect(requests).toEqual(['GET']);
  expect(await readdir(cacheFolder)).toEqual([digest]);
  expect(await readFile(join(cacheFolder, digest))).toEqual(content);
});

test.each([`sha256:${digest}`, `sha256-${Buffer.from(digest, 'hex').toString('base64')}`])(
  'asks for the headers alone where the integrity is known: %s',
  async (integrity) => {
    await serveFile(whole);
    await expect(pin(integrity)).resolves.toEqual({ sha256: digest, size: content.length, version: '"v1"' });
    expect(requests).toEqual(['HEAD']);
  },
);

test.each([403, 405, 501])('downloads where HEAD is answered %i, and compares the integrity', async (status) => {
  await serveFile((request, response) =>
    request.method === 'HEAD' ? response.writeHead(status).end() : whole(request, response),
  );
  await expect(pin(`sha256:${digest}`)).resolves.toMatchObject({ sha256: digest, size: content.length });
  await expect(pin(`sha256:${sha256('other')}`)).rejects.toMatchObject({
    code: 'INTEGRITY_MISMATCH',
    context: { package: 'installer', found: digest },
  });
});

test('leaves nothing in the cache when the server refuses', async () => {
  await serveFile((_, response) => response.writeHead(404).end());
  await expect(pin()).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
  expect(await readdir(cacheFolder)).toEqual([]);
});

test('points inputs to their copies, where there are any', async () => {
  await serveFile(whole);
  await pin();
  const other = sha256('other');
  const local = { kind: 'file', path: '/srv/a', size: 1 } as const;
  const inputs = { [digest]: { kind: 'http', url }, [other]: { kind: 'http', url }, x: local } as const;
  await expect(locateCached(inputs, cacheFolder)).resolves.toEqual({
    ...inputs,
    [digest]: { kind: 'http', url, cached: join(cacheFolder, digest) },
  });
});
