import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serve } from '../../../test/http-server.js';
import { sha256 } from '../../core/digest.js';
import { locateCached, RemotePins, removeCopies } from './pin-remote.js';

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
  expect(await readdir(cacheFolder)).toEqual([digest, `${sha256(url)}.pin`].sort());
  expect(await readFile(join(cacheFolder, digest))).toEqual(content);
});

test('asks for the headers alone where the copy of an earlier command is still what the server has', async () => {
  await serveFile(whole);
  const first = await pin();
  expect(await pin()).toEqual(first);
  expect(requests).toEqual(['GET', 'HEAD']);
});

test.each<[string, (folder: string) => Promise<void>]>([
  ['is gone', (folder) => rm(join(folder, digest))],
  ['is cut short', (folder) => truncate(join(folder, digest), 3)],
  ['has no record that can be read', (folder) => writeFile(join(folder, `${sha256(url)}.pin`), '{')],
])('downloads again where the copy %s', async (_, damage) => {
  await serveFile(whole);
  const first = await pin();
  await damage(cacheFolder);
  expect(await pin()).toEqual(first);
  expect(requests.filter((method) => method === 'GET')).toHaveLength(2);
  expect(await readFile(join(cacheFolder, digest))).toEqual(content);
});

test.each<[string, RequestListener]>([
  [
    'says another version',
    (_, response) => response.writeHead(200, { etag: '"v2"', 'content-length': content.length }).end(content),
  ],
  [
    'says nothing to know it by',
    (_, response) => response.writeHead(200, { 'content-length': content.length }).end(content),
  ],
])('downloads again where the server %s', async (_, later) => {
  let answer = whole;
  await serveFile((request, response) => answer(request, response));
  await pin();
  answer = later;
  await pin();
  expect(requests).toEqual(['GET', 'HEAD', 'GET']);
});

test('removes the copies of a release that is prepared, and what nobody wanted for a week', async () => {
  await serveFile(whole);
  await pin();
  const [old, young] = [join(cacheFolder, 'f'.repeat(64)), join(cacheFolder, 'e'.repeat(64))];
  for (const path of [old, young]) await writeFile(path, 'x');
  const aWeekAgo = new Date(Date.now() - 8 * 24 * 3_600_000);
  await utimes(old, aWeekAgo, aWeekAgo);
  await removeCopies(cacheFolder, { [digest]: { kind: 'http', url } });
  expect(await readdir(cacheFolder)).toEqual([`${sha256(url)}.pin`, 'e'.repeat(64)].sort());
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
    [digest]: { kind: 'http', url, cached: join(cacheFolder, digest), said: {} },
  });
});
