import { execFile, spawn } from 'node:child_process';
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as ask } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { certificate, testKey } from '../../../test/certificates.js';
import { fetched } from '../../../test/fetched.js';
import { goTool, lacks } from '../../../test/requirements.js';
import { sha256 } from '../../core/digest.js';
import type { ServerAccess } from '../../core/server-access.js';
import { RemotePins, type RemoteSource } from './pin-remote.js';

const run = promisify(execFile);
const HELLO = 'hello from a registry\n';
const LARGE = Buffer.from(Array.from({ length: 400_003 }, (_, i) => (i * 31 + (i >> 8)) % 251));
const SECRET = 'tr0ub4dor-and-3';
let folder: string;
const ended: (() => void)[] = [];

/** The reference registry, which keeps everything in memory. @returns its `host:port` */
async function startRegistry(auth = ''): Promise<string> {
  const port = await freePort();
  const file = join(folder, `registry-${port}.yml`);
  await writeFile(
    file,
    `version: 0.1\nlog: {level: error}\nstorage: {inmemory: {}}\nhttp: {addr: '127.0.0.1:${port}'}\n${auth}`,
  );
  const child = spawn(goTool('registry'), ['serve', file], {
    stdio: 'ignore',
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
  });
  ended.push(() => child.kill());
  await answering(port);
  return `127.0.0.1:${port}`;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const oras = (...flags: string[]) => run(goTool('oras'), flags, { cwd: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-oci-'));
  await writeFile(join(folder, 'hello.txt'), HELLO);
  await writeFile(join(folder, 'large.bin'), LARGE);
  await mkdir(join(folder, 'tree'));
  await writeFile(join(folder, 'tree/a.txt'), 'a');
  await writeFile(join(folder, 'ca.pem'), certificate);
});
afterAll(async () => {
  for (const end of ended) end();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await writeFile(join(folder, 'netrc'), '');
  vi.stubEnv('NETRC', join(folder, 'netrc'));
  vi.stubEnv('DOCKER_CONFIG', join(folder, 'docker'));
});
afterEach(() => vi.unstubAllEnvs());

async function pinned(source: Omit<RemoteSource, 'package'>) {
  const pins = new RemotePins({
    cacheFolder: join(folder, 'cache'),
    emit: () => {},
    signal: new AbortController().signal,
  });
  try {
    return await pins.pin({ ...source, package: 'app' });
  } finally {
    await pins.close();
  }
}

const refusal = (source: Omit<RemoteSource, 'package'>) =>
  pinned(source).then(
    () => expect.fail('it was pinned'),
    (error) => {
      expect(JSON.stringify(error.serialize())).not.toContain(SECRET);
      return `${error.code}: ${error.message} ${error.hint}`;
    },
  );

describe.skipIf(lacks('registry'))('what ORAS pushed to a registry', () => {
  let registry: string;
  const at = (what: string) => `oci://${registry}/team/app${what}`;

  beforeAll(async () => {
    registry = await startRegistry();
    const to = (tag: string) => `${registry}/team/app:${tag}`;
    await oras('push', '--plain-http', to('one'), 'hello.txt');
    await oras('push', '--plain-http', to('three'), 'hello.txt', 'large.bin', 'tree');
    await oras('push', '--plain-http', '--artifact-platform', 'linux/amd64', to('amd'), 'hello.txt');
    await oras('push', '--plain-http', '--artifact-platform', 'linux/arm64', to('arm'), 'large.bin');
    await oras('manifest', 'index', 'create', '--plain-http', to('all'), 'amd', 'arm');
  });

  test('is pinned by its tag to the digest of its one layer, and fetched by that', async () => {
    const pin = await pinned({ url: at(':one') });
    expect(pin).toEqual({
      sha256: sha256(HELLO),
      size: HELLO.length,
      name: 'hello.txt',
      version: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(await pinned({ url: at(`@${pin.version}`) })).toEqual(pin);
    expect(await pinned({ url: at(`:one@${pin.version}`) })).toEqual(pin);
    const { bytes, error } = await fetched(at(`@sha256:${pin.sha256}`), Buffer.from(HELLO), { stallTimeoutMs: 5000 });
    expect(error).toBeUndefined();
    expect(bytes.toString()).toBe(HELLO);
  });

  test('is chosen among several layers by title or number', async () => {
    expect(await pinned({ url: at(':three'), layer: 'large.bin' })).toMatchObject({
      sha256: sha256(LARGE),
      name: 'large.bin',
    });
    expect(await pinned({ url: at(':three'), layer: 0 })).toMatchObject({ name: 'hello.txt' });
    expect(await pinned({ url: at(':three'), layer: 'tree' })).toMatchObject({ name: 'tree' });
    expect(await refusal({ url: at(':three') })).toContain(
      'has 3 layers: hello.txt, large.bin, tree. Say which with `layer`',
    );
    expect(await refusal({ url: at(':three'), layer: 3 })).toContain('and `layer` is 3');
  });

  test('is chosen in an index by platform', async () => {
    expect(await pinned({ url: at(':all'), platform: 'linux/arm64' })).toMatchObject({ sha256: sha256(LARGE) });
    expect(await refusal({ url: at(':all') })).toContain(
      'is an index of: linux/amd64, linux/arm64. Say which with `platform`',
    );
    expect(await refusal({ url: at(':all'), platform: 'windows/amd64' })).toContain('linux/amd64, linux/arm64');
    expect(await refusal({ url: at(':one'), platform: 'linux/amd64' })).toContain('is one manifest, not an index');
  });

  test('that is not there is refused', async () => {
    expect(await refusal({ url: at(':none') })).toContain('answered 404');
  });
});

describe.skipIf(lacks('registry'))('a registry that wants tokens', () => {
  const seen: string[] = [];
  let onBlob: ((number: number) => 'drop' | 'expired' | undefined) | undefined;
  let onManifest: string | undefined;
  let host: string;
  let trusted: ServerAccess;
  let blobs = 0;

  /** Harbor's way: the registry behind one address with the server of its tokens, which takes one user alone. */
  beforeAll(async () => {
    const upstream = await startRegistryWithTokens();
    const server = createServer({ key: testKey, cert: certificate }, (request, response) => {
      const { method, headers, url = '' } = request;
      if (url.startsWith('/token')) {
        seen.push(`token ${headers.authorization === undefined ? 'without' : 'with'} a login`);
        if (headers.authorization !== basic) return response.writeHead(401).end();
        return response.end(
          JSON.stringify({ token: tokenFor(new URL(url, 'https://x').searchParams.get('scope') ?? '') }),
        );
      }
      const isBlob = method === 'GET' && url.includes('/blobs/');
      if (isBlob) blobs += 1;
      const turn = isBlob ? onBlob?.(blobs) : undefined;
      if (turn === 'expired') {
        const realm = `Bearer realm="https://${host}/token",service="test",error="invalid_token"`;
        return response.writeHead(401, { 'www-authenticate': realm }).end();
      }
      if (onManifest !== undefined && url.includes('/manifests/')) return response.writeHead(200).end(onManifest);
      const passed = ask(
        {
          host: '127.0.0.1',
          port: upstream,
          method,
          path: url,
          headers: { ...headers, host, 'x-forwarded-proto': 'https' },
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          if (turn !== 'drop') return answer.pipe(response);
          return answer.once('data', (chunk) => response.write(chunk.subarray(0, 1000), () => response.destroy()));
        },
      );
      return request.pipe(passed);
    });
    server.listen(Number(host.split(':')[1]), '127.0.0.1');
    await once(server, 'listening');
    ended.push(() => server.close());
    trusted = { ca: join(folder, 'ca.pem') };
    await oras('push', '--ca-file', 'ca.pem', '-u', 'deploy', '-p', SECRET, `${host}/team/app:1.0`, 'large.bin');
  });
  beforeEach(() => {
    seen.length = 0;
    blobs = 0;
    onBlob = undefined;
    onManifest = undefined;
  });

  async function startRegistryWithTokens(): Promise<string | undefined> {
    host = `127.0.0.1:${await freePort()}`;
    const token = `{realm: 'https://${host}/token', service: test, issuer: it, rootcertbundle: '${join(folder, 'ca.pem')}'}`;
    return (await startRegistry(`auth: {token: ${token}}\n`)).split(':')[1];
  }

  const basic = `Basic ${Buffer.from(`deploy:${SECRET}`).toString('base64')}`;
  const url = () => `oci://${host}/team/app:1.0`;
  const blob = () => `oci://${host}/team/app@sha256:${sha256(LARGE)}`;

  test('says what is missing without a login', async () => {
    expect(await refusal({ url: url(), access: trusted })).toContain(
      `answered 401 (it wants credentials). The login that was sent to ${host}: none`,
    );
    expect(seen).toEqual(['token without a login']);
  });

  test.each<[string, () => Promise<ServerAccess['auth']>]>([
    ['the configuration', async () => ({ user: 'deploy', fromEnv: 'REGISTRY_PASSWORD' })],
    [
      '.netrc',
      () => writeFile(join(folder, 'netrc'), `machine 127.0.0.1 login deploy password ${SECRET}`).then(() => undefined),
    ],
    [
      'docker login',
      () => dockerConfig({ auths: { [host]: { auth: Buffer.from(`deploy:${SECRET}`).toString('base64') } } }),
    ],
    ['a credential helper', () => dockerConfig({ credHelpers: { [host]: 'prestage-test' } })],
  ])('gives what %s has the login for', async (_, prepare) => {
    vi.stubEnv('REGISTRY_PASSWORD', SECRET);
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
    const helper = join(folder, 'docker-credential-prestage-test');
    await writeFile(
      helper,
      `#!/bin/sh\nread -r server\n[ "$1 $server" = "get ${host}" ] && echo '{"Username":"deploy","Secret":"${SECRET}"}'\n`,
    );
    await chmod(helper, 0o755);
    const auth = await prepare();
    const access = { ...trusted, ...(auth === undefined ? {} : { auth }) };
    expect(await pinned({ url: url(), access })).toMatchObject({ sha256: sha256(LARGE), name: 'large.bin' });
    const { bytes, error } = await fetched(blob(), LARGE, { stallTimeoutMs: 5000, pinned: { access } });
    expect(error).toBeUndefined();
    expect(bytes.equals(LARGE)).toBe(true);
    expect(seen).toEqual(['token with a login', 'token with a login']);
    await rm(join(folder, 'docker'), { recursive: true, force: true });
  });

  test('is asked for another token where one expires in the middle of a transfer', async () => {
    vi.stubEnv('REGISTRY_PASSWORD', SECRET);
    // The first one is answered with a challenge by the registry itself.
    onBlob = (number) => ({ 2: 'drop' as const, 3: 'expired' as const })[number];
    const access = { ...trusted, auth: { user: 'deploy', fromEnv: 'REGISTRY_PASSWORD' } };
    const { bytes, error, retries } = await fetched(blob(), LARGE, { stallTimeoutMs: 5000, pinned: { access } });
    expect(error).toBeUndefined();
    expect(bytes.equals(LARGE)).toBe(true);
    expect(retries).toHaveLength(1);
    expect(seen).toEqual(['token with a login', 'token with a login']);
  });

  test('that gives another manifest than the one that its digest names is not believed', async () => {
    onManifest = JSON.stringify({ layers: [{ digest: `sha256:${sha256('x')}`, size: 1 }] });
    const named = `oci://${host}/team/app@sha256:${sha256('y')}`;
    expect(await refusal({ url: named, access: trusted })).toContain('INTEGRITY_MISMATCH');
    onManifest = '<html>';
    expect(await refusal({ url: url(), access: trusted })).toContain('has no manifest of OCI or of Docker');
  });

  async function dockerConfig(content: object): Promise<undefined> {
    await mkdir(join(folder, 'docker'), { recursive: true });
    await writeFile(join(folder, 'docker/config.json'), JSON.stringify(content));
  }
});

/** As the reference registry's "Token Authentication Implementation" wants it; it checks the signature. */
function tokenFor(scope: string): string {
  const [type = '', name = '', actions = ''] = scope.split(':');
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(certificate).raw.toString('base64')] };
  const claims = { iss: 'it', sub: 'deploy', aud: 'test', exp: now + 300, nbf: now - 60, iat: now, jti: randomUUID() };
  const payload = { ...claims, access: [{ type, name, actions: actions.split(',') }] };
  const text = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const key = createPrivateKey(testKey);
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
