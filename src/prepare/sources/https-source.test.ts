import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificate, certificateOfAnotherHost, expiredCertificate, testKey } from '../../../test/certificates.js';
import { listen } from '../../../test/http-server.js';
import { proxyServer } from '../../../test/proxy-server.js';
import { sha256 } from '../../core/digest.js';
import type { SerializedError } from '../../core/errors.js';

const content = Buffer.from(Array.from({ length: 300_007 }, (_, i) => (i * 31 + (i >> 8)) % 251));
let folder: string;

// Node reads NODE_EXTRA_CA_CERTS when it starts, so each transfer is a process of its own.
const program = `
  import { Remotes } from './remotes.js';
  import { readRemoteFile } from './http-source.js';
  const file = JSON.parse(process.argv[2]);
  const remotes = new Remotes({ stallTimeoutMs: 5000 });
  const retries = [];
  const policy = { signal: new AbortController().signal, baseDelayMs: 1, onRetry: (retry) => retries.push(retry) };
  let size = 0;
  let error;
  try {
    for await (const chunk of readRemoteFile(remotes, file, policy)) size += chunk.length;
  } catch (thrown) {
    error = thrown.serialize();
  }
  await remotes.close();
  console.log(JSON.stringify({ size, error, retries: retries.length }));
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-tls-'));
  await writeFile(join(folder, 'trusted.pem'), [certificate, expiredCertificate, certificateOfAnotherHost].join(''));
  await build({
    stdin: { contents: program, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    outfile: join(folder, 'fetch.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const whole: RequestListener = (_, response) =>
  response.writeHead(200, { 'content-length': content.length }).end(content);

const serveTls = async (answer = whole, cert = certificate) =>
  `https://${await listen(createTlsServer({ key: testKey, cert }, answer))}`;

interface Fetched {
  size: number;
  error?: SerializedError;
  retries: number;
}

async function fetchAll(url: string, environment: Record<string, string> = {}): Promise<Fetched> {
  const inherited = Object.entries(process.env).filter(([name]) => !/_proxy$|^NODE_EXTRA_CA_CERTS$/i.test(name));
  const file = { url, sha256: sha256(content), size: content.length };
  const child = spawn(process.execPath, [join(folder, 'fetch.mjs'), JSON.stringify(file)], {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  await once(child, 'close');
  return JSON.parse(output);
}

const trusting = () => ({ NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem') });

describe('a source by https', () => {
  test('is fetched from a server whose authority NODE_EXTRA_CA_CERTS names, and resumed when it drops', async () => {
    const starts: number[] = [];
    const url = await serveTls((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      starts.push(from);
      const range = { etag: '"1"', 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
      response.writeHead(from === 0 ? 200 : 206, { ...range, 'content-length': content.length - from });
      if (starts.length > 1) response.end(content.subarray(from));
      else response.write(content.subarray(0, 100_000), () => response.destroy());
    });
    expect(await fetchAll(`${url}/a`, trusting())).toEqual({ size: content.length, retries: 1 });
    expect(starts).toEqual([0, expect.any(Number)]);
    expect(starts[1]).toBeGreaterThan(0);
  });

  test.each([
    ['that is not trusted here', certificate, {}, 'is not trusted here', 'NODE_EXTRA_CA_CERTS'],
    ['that has expired', expiredCertificate, trusting, 'has expired', 'renewed'],
    ['of another host', certificateOfAnotherHost, trusting, 'is for another host', 'host name'],
  ])('with a certificate %s is refused at once, and what to do is said', async (_, cert, environment, what, remedy) => {
    const url = await serveTls(whole, cert);
    const { error, retries } = await fetchAll(
      `${url}/a`,
      typeof environment === 'function' ? environment() : environment,
    );
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE', context: { url: `${url}/a` } });
    expect(error?.message).toContain(`${url}/a has a certificate that`);
    expect(error?.message).toContain(what);
    expect(error?.hint).toContain(remedy);
    expect(retries).toBe(0);
  });

  test('from a server that speaks plain http says so', async () => {
    const { error, retries } = await fetchAll(`https://${await listen(createServer(whole))}/a`);
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(error?.message).toContain('does not speak TLS');
    expect(error?.hint).toContain('http://');
    expect(retries).toBe(0);
  });

  test('is not followed out of https', async () => {
    let asked = 0;
    const plain = await listen(
      createServer((request, response) => {
        asked += 1;
        whole(request, response);
      }),
    );
    const url = await serveTls((_, response) => response.writeHead(302, { location: `http://${plain}/b` }).end());
    const { error } = await fetchAll(`${url}/a`, trusting());
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', context: { found: `http://${plain}/b` } });
    expect(error?.message).toContain('which would leave https');
    expect(asked).toBe(0);
  });
});

test('a proxy that wants credentials for plain http is told apart from the server, too', async () => {
  const proxy = await listen(createServer((_, response) => response.writeHead(407).end()));
  const { error, retries } = await fetchAll(`http://${await listen(createServer(whole))}/a`, {
    HTTP_PROXY: `http://${proxy}`,
  });
  expect(error).toMatchObject({ code: 'SOURCE_REFUSED', context: { status: 407 } });
  expect(error?.message).toContain('the proxy wants credentials');
  expect(error?.hint).toContain('HTTP_PROXY');
  expect(retries).toBe(0);
});

describe('a source by https through a proxy', () => {
  test('goes through a tunnel (CONNECT), with the credentials of HTTPS_PROXY', async () => {
    const url = await serveTls();
    const { address, asked, credentials } = await proxyServer();
    const through = await fetchAll(`${url}/a`, { ...trusting(), HTTPS_PROXY: `http://me:sesame@${address}` });
    expect(through).toEqual({ size: content.length, retries: 0 });
    expect(asked).toEqual([`CONNECT ${new URL(url).host}`]);
    expect(credentials).toEqual([`Basic ${Buffer.from('me:sesame').toString('base64')}`]);
  });

  test('still compares the certificate of the server itself', async () => {
    const url = await serveTls();
    const { address } = await proxyServer();
    const { error } = await fetchAll(`${url}/a`, { HTTPS_PROXY: `http://${address}` });
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(error?.hint).toContain('NODE_EXTRA_CA_CERTS');
  });

  test.each([
    ['407 Proxy Authentication Required', '(HTTPS_PROXY) answered 407 (the proxy wants credentials)', 'HTTPS_PROXY'],
    ['403 Forbidden', '(HTTPS_PROXY) answered 403', 'NO_PROXY'],
  ])('that answers %s is told apart from the server, and asked once', async (refusal, what, remedy) => {
    const url = await serveTls();
    const { address, asked } = await proxyServer({ refusal });
    const { error } = await fetchAll(`${url}/a`, { ...trusting(), HTTPS_PROXY: `http://${address}` });
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', context: { proxy: `http://${address}` } });
    expect(error?.message).toContain(`the proxy http://${address} ${what}`);
    expect(error?.hint).toContain(remedy);
    expect(asked).toHaveLength(1);
  });
});

test('a login of .netrc never goes to another port of its host, not even on the way back', async () => {
  const sent: string[] = [];
  let home = '';
  const other = await serveTls((request, response) => {
    sent.push(`other ${request.headers.authorization}`);
    response.writeHead(302, { location: `${home}/back` }).end();
  });
  home = await serveTls((request, response) => {
    sent.push(`${request.url} ${request.headers.authorization}`);
    if (request.url === '/') return response.writeHead(302, { location: other }).end();
    return whole(request, response);
  });
  await writeFile(join(folder, 'netrc'), 'machine 127.0.0.1 login me password secret', { mode: 0o600 });
  const environment = { NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem'), NETRC: join(folder, 'netrc') };
  expect(await fetchAll(`${home}/`, environment)).toMatchObject({ size: content.length });
  const basic = Buffer.from('me:secret').toString('base64');
  expect(sent).toEqual([`/ Basic ${basic}`, 'other undefined', '/back undefined']);
});
