import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { fetched } from '../../../test/fetched.js';
import { folderWith } from '../../../test/folder-with.js';
import { serve } from '../../../test/http-server.js';
import { lacks } from '../../../test/requirements.js';
import { awsEnvironment, type Fault, faultyProxy, s3Server } from '../../../test/s3-server.js';
import { sha256 } from '../../core/digest.js';
import type { RemoteFile } from './http-source.js';
import { type RemotePin, RemotePins } from './pin-remote.js';

const content = Buffer.from(Array.from({ length: 3_000_001 }, (_, i) => (i * 31 + (i >> 8)) % 251));
const other = Buffer.from(content.map((byte) => byte ^ 1));
const HALF = 1_500_000;

afterEach(() => vi.unstubAllEnvs());

function useServer(endpoint: string, more: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries({ ...awsEnvironment(endpoint), ...more })) vi.stubEnv(name, value);
}

const fetchAll = (url: string, pinned: Partial<RemoteFile> = {}) =>
  fetched(url, content, { pinned, stallTimeoutMs: 2000 });

async function pin(url: string, integrity?: string): Promise<RemotePin & { cached: string[] }> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'prestage-s3-pins-'));
  onTestFinished(() => rm(cacheFolder, { recursive: true }));
  const pins = new RemotePins({ cacheFolder, emit: () => {}, signal: new AbortController().signal });
  try {
    const pin = await pins.pin({ url, integrity, package: 'app' });
    return { ...pin, cached: (await readdir(cacheFolder)).filter((name) => !name.endsWith('.pin')) };
  } finally {
    await pins.close();
  }
}

const etag = `"${createHash('md5').update(content).digest('hex')}"`;

describe.skipIf(lacks('versitygw'))('an object on a real server', () => {
  const url = 's3://files/dir/a b+(1).bin';
  const path = 'files/dir/a%20b%2B%281%29.bin';

  async function behind(fault: Fault = () => undefined, options: { versioned?: boolean } = {}) {
    const server = await s3Server(options);
    await server.put(path, content);
    const proxy = await faultyProxy(server.endpoint, fault);
    useServer(proxy.endpoint);
    return { server, seen: proxy.seen };
  }

  test('is pinned by a download that is kept, with its ETag, and is read by one request', async () => {
    const { seen } = await behind();
    const digest = sha256(content);
    await expect(pin(url)).resolves.toEqual({ sha256: digest, size: content.length, version: etag, cached: [digest] });
    expect(seen).toEqual(['HEAD', 'GET']);
    const { bytes, error } = await fetchAll(url);
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(seen).toEqual(['HEAD', 'GET', 'GET']);
  });

  test('is pinned by its headers alone where the server knows its SHA-256, or integrity says it', async () => {
    const { server, seen } = await behind();
    const digest = sha256(content);
    const byHeaders = { sha256: digest, size: content.length, version: etag, cached: [] };
    await expect(pin(url, `sha256:${digest}`)).resolves.toEqual(byHeaders);
    await server.put(path, content, { 'x-amz-checksum-sha256': Buffer.from(digest, 'hex').toString('base64') });
    await expect(pin(url)).resolves.toEqual(byHeaders);
    expect(seen).toEqual(['HEAD', 'HEAD']);
  });

  test.each([
    ['the connection is reset', { bytes: HALF, end: 'reset' }],
    ['the transfer stalls', { bytes: HALF, end: 'stall' }],
  ] as const)('is continued where it ended when %s', async (_, fault) => {
    const { seen } = await behind(({ count }) => (count === 1 ? fault : undefined));
    const { bytes, error, retries } = await fetchAll(url);
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(seen).toEqual(['GET', expect.stringMatching(/^GET bytes=[1-9]\d+-$/)]);
    expect(retries).toHaveLength(1);
  });

  test('is asked for again after 503 SlowDown and 500 InternalError', async () => {
    const failing = (status: number, code: string) => (_: unknown, response: ServerResponse) =>
      response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
    const { seen } = await behind(({ count }) =>
      count === 1 ? failing(503, 'SlowDown') : count === 2 ? failing(500, 'InternalError') : undefined,
    );
    const { bytes, error, retries } = await fetchAll(url);
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(seen).toEqual(['GET', 'GET', 'GET']);
    expect(retries.map(({ reason }) => reason)).toEqual([
      `${url} answered 503 SlowDown.`,
      `${url} answered 500 InternalError.`,
    ]);
  });

  test.each([
    ['gives another ETag', false],
    ['refuses by If-Match, as AWS does', true],
  ])('that is replaced in the middle is never mixed: the server %s', async (_, refuses) => {
    let replace = async () => {};
    const { server, seen } = await behind(({ count }) => {
      if (count === 1) return { bytes: HALF, end: 'reset' };
      return async (request, response) => {
        await replace();
        expect(request.headers['if-match']).toBe(etag);
        if (refuses) return response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
        const { range = '' } = request.headers;
        const from = Number(/\d+/.exec(range)?.[0]);
        response.writeHead(206, {
          etag: '"another"',
          'content-range': `bytes ${from}-${other.length - 1}/${other.length}`,
        });
        return response.end(other.subarray(from));
      };
    });
    replace = () => server.put(path, other);
    const { bytes, error } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_MOVED', message: `${url} changed while it was being fetched.` });
    expect(bytes.equals(content.subarray(0, bytes.length))).toBe(true);
    expect(seen).toHaveLength(2);
  });

  test('whose bytes are not what is pinned is told as moved', async () => {
    const { server } = await behind();
    await server.put(path, other);
    expect((await fetchAll(url)).error).toMatchObject({ code: 'SOURCE_MOVED', context: { found: sha256(other) } });
  });

  test('is read in the version that is pinned, until that is gone', async () => {
    const { server } = await behind(undefined, { versioned: true });
    const { version = '' } = await pin(url);
    expect(version).toMatch(/^\w{10,}$/);
    await server.put(path, other);
    const { bytes, error } = await fetchAll(url, { versionId: version });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    await server.remove(path, { versionId: version });
    const gone = (await fetchAll(url, { versionId: version })).error;
    expect(gone?.message).toContain('is not there any more');
    expect(gone).toMatchObject({
      code: 'SOURCE_MOVED',
      hint: expect.stringContaining('--update-lock'),
    });
  });

  describe('that is large', () => {
    const large = randomBytes(42 * 1024 * 1024 + 1);
    const fetchLarge = (pinned: Partial<RemoteFile> = {}) => fetched(url, large, { pinned, stallTimeoutMs: 2000 });
    const ALL = ['0-8388607', '8388608-16777215', '16777216-25165823', '25165824-33554431', '33554432-41943039'];
    const RANGES = [...ALL, '41943040-'].map((range) => `GET bytes=${range}`);

    async function largeBehind(fault: Fault = () => undefined) {
      const { server, seen } = await behind(fault);
      await server.put(path, large);
      return { server, seen };
    }

    test('is fetched in ranges, and is the same bytes', async () => {
      const { seen } = await largeBehind();
      const { bytes, error, retries } = await fetchLarge();
      expect({ error, retries }).toEqual({ error: undefined, retries: [] });
      expect(bytes.equals(large)).toBe(true);
      expect([...seen].sort()).toEqual([...RANGES].sort());
    });

    test('has each range repeated alone, from where it ended', async () => {
      const { seen } = await largeBehind(({ range }) =>
        range === 'bytes=25165824-33554431' ? { bytes: 5_000_000, end: 'reset' } : undefined,
      );
      const { bytes, error } = await fetchLarge();
      expect(error).toBeUndefined();
      expect(bytes.equals(large)).toBe(true);
      const more = seen.filter((request) => !RANGES.includes(request));
      expect(more).toEqual([expect.stringMatching(/^GET bytes=(2516582[5-9]|2[6-9]\d{6}|30\d{6})-33554431$/)]);
      expect(seen).toHaveLength(RANGES.length + 1);
    });

    test('and is replaced in the middle is never mixed', async () => {
      const { server } = await largeBehind(({ range }) =>
        range === 'bytes=33554432-41943039'
          ? (_, response) => void response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
          : undefined,
      );
      expect((await fetchLarge()).error).toMatchObject({ code: 'SOURCE_MOVED' });
      await server.put(path, Buffer.alloc(large.length));
      expect((await fetchLarge()).error).toMatchObject({ code: 'SOURCE_MOVED' });
      await server.put(path, content);
      expect((await fetchLarge()).error).toMatchObject({ code: 'SOURCE_MOVED', context: { found: sha256(content) } });
    });

    test('comes whole from a server that knows no ranges', async () => {
      const { seen } = await largeBehind(() => (_, response) => void response.end(large));
      const { bytes, error } = await fetchLarge();
      expect(error).toBeUndefined();
      expect(bytes.equals(large)).toBe(true);
      expect(seen).toEqual(['GET bytes=0-8388607']);
    });
  });

  test.each([
    ['s3://files/none', {}, 'SOURCE_REFUSED', 'there is no such object', 'aws s3 ls'],
    ['s3://nobucket/x', {}, 'SOURCE_REFUSED', 'there is no bucket nobucket', 'AWS_ENDPOINT_URL'],
    [url, { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'AWS_SETTINGS', 'the AWS secret key does not', 'AWS_SECRET_ACCESS_KEY'],
    [url, { AWS_REGION: 'eu-west-1' }, 'AWS_SETTINGS', 'in another region', 'get-bucket-location'],
    [url, { AWS_ACCESS_KEY_ID: '' }, 'AWS_SETTINGS', 'there are no AWS credentials', 'AWS_PROFILE'],
  ])('%s with %j is %s: %s', async (asked, environment, code, message, hint) => {
    const server = await s3Server();
    await server.put(path, content);
    useServer(server.endpoint, environment);
    const { error } = await fetchAll(asked);
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(JSON.stringify(error?.serialize())).not.toMatch(/AKIATESTKEY|a-secret-of-tests|Signature=/);
  });
});

describe.skipIf(lacks('versitygw'))('an object of another server than that of the environment', () => {
  const url = 's3://files/app.bin';

  /** The environment leads to one server, and `vendor` in the shared files to another. */
  async function twoServers({ secret = 'a-secret-of-tests', namesServer = false } = {}) {
    const [own, vendor] = [await s3Server(), await s3Server()];
    await own.put('files/app.bin', other);
    await vendor.put('files/app.bin', content);
    useServer(own.endpoint);
    const folder = await folderWith({
      config: `[profile vendor]\nregion = us-east-1\n${namesServer ? `endpoint_url = ${vendor.endpoint}\n` : ''}`,
      credentials: `[vendor]\naws_access_key_id = AKIATESTKEY\naws_secret_access_key = ${secret}\n`,
    });
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
    return { own, vendor };
  }

  test('is read at its endpoint, and pinned apart from one of the same name', async () => {
    const { own, vendor } = await twoServers();
    const { bytes, error } = await fetchAll(url, { endpoint: vendor.endpoint });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    const cacheFolder = await folderWith();
    const pins = new RemotePins({ cacheFolder, emit: () => {}, signal: new AbortController().signal });
    onTestFinished(() => pins.close());
    const digests = [];
    for (const endpoint of [undefined, vendor.endpoint, own.endpoint])
      digests.push((await pins.pin({ url, endpoint, package: 'app' })).sha256);
    expect(digests).toEqual([sha256(other), sha256(content), sha256(other)]);
  });

  test('is asked for by its profile, which may name the server, whatever credentials the environment has', async () => {
    await twoServers({ namesServer: true });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', '');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
    const { bytes, error } = await fetchAll(url, { profile: 'vendor' });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
  });

  test('is not asked for by anybody else where its profile is not there, or is refused', async () => {
    const { vendor } = await twoServers({ secret: 'wrong' });
    const missing = await fetchAll(url, { endpoint: vendor.endpoint, profile: 'none' });
    expect(missing.error).toMatchObject({
      code: 'AWS_SETTINGS',
      message: expect.stringContaining('the profile none, which its package names, gives no AWS credentials'),
      hint: expect.stringContaining('aws configure list --profile none'),
    });
    const refused = await fetchAll(url, { endpoint: vendor.endpoint, profile: 'vendor' });
    expect(refused.error).toMatchObject({ code: 'AWS_SETTINGS', message: expect.stringContaining('secret key') });
  });
});

describe('what AWS alone answers', () => {
  const date = new Date(Date.now() + 20 * 60_000).toUTCString();

  test.each([
    [403, 'AccessDenied', {}, 'SOURCE_REFUSED', 'the credentials may not read it: no policy', 's3:GetObject'],
    [400, 'ExpiredToken', {}, 'AWS_SETTINGS', 'have expired', 'aws sso login'],
    [403, 'InvalidAccessKeyId', {}, 'AWS_SETTINGS', 'does not know the AWS access key', 'AWS_ACCESS_KEY_ID'],
    [403, 'RequestTimeTooSkewed', { date }, 'AWS_SETTINGS', 'is wrong: 20 minutes behind', 'timedatectl'],
    [403, 'InvalidObjectState', {}, 'SOURCE_REFUSED', 'archived', 'restore-object'],
    [400, 'Other', {}, 'SOURCE_REFUSED', 'was refused: 400 Other: no policy', 'aws s3 cp'],
  ])('%i %s', async (status, code, headers, expected, message, hint) => {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no policy\u001b[31m</Message></Error>`;
    useServer(await serve((_, response) => response.writeHead(status, headers).end(body)));
    const { error, retries } = await fetchAll('s3://bucket/key');
    expect(retries).toEqual([]);
    expect(error).toMatchObject({
      code: expected,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(error?.message).not.toContain('\u001b');
  });

  test('what HEAD is refused for is asked of GET', async () => {
    useServer(
      await serve(({ method }, response) =>
        response
          .writeHead(400)
          .end(method === 'HEAD' ? undefined : '<Error><Code>ExpiredToken</Code><Message>x</Message></Error>'),
      ),
    );
    await expect(pin('s3://bucket/key')).rejects.toMatchObject({ code: 'AWS_SETTINGS' });
  });

  test('a bucket is followed to its region, once', async () => {
    const scopes: (string | undefined)[] = [];
    const endpoint = await serve(({ headers }, response) => {
      const region = /Credential=\w+\/\d+\/([\w-]+)\//.exec(headers.authorization ?? '')?.[1];
      scopes.push(region);
      if (region === 'eu-central-1') response.writeHead(200, { 'content-length': content.length }).end(content);
      else response.writeHead(301, { 'x-amz-bucket-region': 'eu-central-1' }).end();
    });
    useServer(endpoint);
    expect((await fetchAll('s3://bucket/key')).error).toBeUndefined();
    expect(scopes).toEqual(['us-east-1', 'eu-central-1']);
  });
});
