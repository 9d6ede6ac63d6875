import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../core/digest.js';
import { locateCached, pinRemote } from './pin-remote.js';

const content = Buffer.from('a vendor archive, small');
const digest = sha256(content);
let cacheFolder: string;
let server: Server;
let url: string;
let requests: string[];

beforeEach(async () => {
  cacheFolder = join(await mkdtemp(join(tmpdir(), 'prestage-pin-')), 'sources');
  requests = [];
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(join(cacheFolder, '..'), { recursive: true });
});

async function serve(answer: RequestListener): Promise<void> {
  server = createServer((request, response) => {
    requests.push(request.method ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.zip`;
}

const whole: RequestListener = (_, response) =>
  response.writeHead(200, { etag: '"v1"', 'content-length': content.length }).end(content);

const pin = (integrity?: string) =>
  pinRemote(
    { url, integrity, package: 'installer' },
    { cacheFolder, emit: () => {}, signal: new AbortController().signal },
  );

test('downloads a source once, and keeps it under its digest', async () => {
  await serve(whole);
  await expect(pin()).resolves.toEqual({ sha256: digest, size: content.length, version: '"v1"' });
  expect(requests).toEqual(['GET']);
  expect(await readdir(cacheFolder)).toEqual([digest]);
  expect(await readFile(join(cacheFolder, digest))).toEqual(content);
});

test.each([`sha256:${digest}`, `sha256-${Buffer.from(digest, 'hex').toString('base64')}`])(
  'asks for the headers alone where the integrity is known: %s',
  async (integrity) => {
    await serve(whole);
    await expect(pin(integrity)).resolves.toEqual({ sha256: digest, size: content.length, version: '"v1"' });
    expect(requests).toEqual(['HEAD']);
  },
);

test.each([403, 405, 501])('downloads where HEAD is answered %i, and compares the integrity', async (status) => {
  await serve((request, response) =>
    request.method === 'HEAD' ? response.writeHead(status).end() : whole(request, response),
  );
  await expect(pin(`sha256:${digest}`)).resolves.toMatchObject({ sha256: digest, size: content.length });
  await expect(pin(`sha256:${sha256('other')}`)).rejects.toMatchObject({
    code: 'INTEGRITY_MISMATCH',
    context: { package: 'installer', found: digest },
  });
});

test('leaves nothing in the cache when the server refuses', async () => {
  await serve((_, response) => response.writeHead(404).end());
  await expect(pin()).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
  expect(await readdir(cacheFolder)).toEqual([]);
});

test('points inputs to their copies, where there are any', async () => {
  await serve(whole);
  await pin();
  const other = sha256('other');
  const local = { kind: 'file', path: '/srv/a', size: 1 } as const;
  const inputs = { [digest]: { kind: 'http', url }, [other]: { kind: 'http', url }, x: local } as const;
  await expect(locateCached(inputs, cacheFolder)).resolves.toEqual({
    ...inputs,
    [digest]: { kind: 'http', url, cached: join(cacheFolder, digest) },
  });
});
