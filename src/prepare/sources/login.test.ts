import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { certificate, testKey } from '../../../test/certificates.js';
import { fetched } from '../../../test/fetched.js';
import { listen, serve } from '../../../test/http-server.js';
import { proxyServer } from '../../../test/proxy-server.js';
import type { ServerAccess } from '../../core/server-access.js';

const content = Buffer.from(Array.from({ length: 300_007 }, (_, i) => (i * 31 + (i >> 8)) % 251));
const SECRET = 'tr0ub4dor-and-3';
let folder: string;
let trusted: ServerAccess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-login-'));
  trusted = { ca: join(folder, 'ca.pem') };
  await writeFile(join(folder, 'ca.pem'), certificate);
  await writeFile(join(folder, 'key.pem'), testKey);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());
beforeEach(() => {
  vi.stubEnv('NETRC', join(folder, 'netrc'));
  return writeFile(join(folder, 'netrc'), '');
});

interface Asked {
  url: string;
  /** Every request's header of that name, in order. */
  seen: (string | undefined)[];
}

const serveTls = async (answer: RequestListener, options: object = {}) =>
  `https://${await listen(createServer({ key: testKey, cert: certificate, ...options }, answer))}`;

/** A server that gives the file to those alone whose header has the value, and remembers what it was sent. */
async function guarded(value: string, header = 'authorization'): Promise<Asked> {
  const seen: (string | undefined)[] = [];
  const url = await serveTls((request, response) => {
    seen.push(headerOf(request, header));
    if (headerOf(request, header) !== value) return response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    return response.writeHead(200, { 'content-length': content.length }).end(content);
  });
  return { url: `${url}/app.bin`, seen };
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

const get = (url: string, access: ServerAccess = trusted) =>
  fetched(url, content, { stallTimeoutMs: 5000, pinned: { access } });

const basic = (user: string) => `Basic ${Buffer.from(`${user}:${SECRET}`).toString('base64')}`;

describe('a server that wants a login is sent', () => {
  test.each<[string, ServerAccess['auth'], string, string]>([
    ['a token as Bearer', { fromEnv: 'REPO_TOKEN' }, 'authorization', `Bearer ${SECRET}`],
    ['a header of another name', { fromEnv: 'REPO_TOKEN', header: 'X-JFrog-Art-Api' }, 'x-jfrog-art-api', SECRET],
    ['a password with its user', { fromEnv: 'REPO_TOKEN', user: 'deploy' }, 'authorization', basic('deploy')],
  ])('%s', async (_, auth, header, value) => {
    vi.stubEnv('REPO_TOKEN', SECRET);
    const { url } = await guarded(value, header);
    const { bytes, error } = await get(url, { ...trusted, auth });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
  });

  test('an Authorization with a scheme as it is', async () => {
    vi.stubEnv('REPO_TOKEN', `Token ${SECRET}`);
    const { url } = await guarded(`Token ${SECRET}`);
    expect((await get(url, { ...trusted, auth: { fromEnv: 'REPO_TOKEN' } })).error).toBeUndefined();
  });

  test('what .netrc says, through a proxy that wants a login of its own', async () => {
    await writeFile(join(folder, 'netrc'), `machine 127.0.0.1 login deploy password ${SECRET}\n`);
    const { url } = await guarded(basic('deploy'));
    const proxy = await proxyServer();
    vi.stubEnv('HTTPS_PROXY', `http://me:p@${proxy.address}`);
    vi.stubEnv('NO_PROXY', '');
    expect((await get(url)).error).toBeUndefined();
    expect(proxy.asked).toEqual([`CONNECT ${new URL(url).host}`]);
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from('me:p').toString('base64')}`]);
  });

  test("the address's own user before the configuration, and that before .netrc", async () => {
    vi.stubEnv('REPO_TOKEN', SECRET);
    await writeFile(join(folder, 'netrc'), 'machine 127.0.0.1 login other password x');
    const { url, seen } = await guarded('none is right');
    const auth = { fromEnv: 'REPO_TOKEN' };
    await get(url.replace('//', `//me:${SECRET}@`), { ...trusted, auth });
    await get(url, { ...trusted, auth });
    await get(url);
    expect(seen).toEqual([basic('me'), `Bearer ${SECRET}`, `Basic ${Buffer.from('other:x').toString('base64')}`]);
  });
});

describe('a login goes to its own server alone', () => {
  beforeEach(() => writeFile(join(folder, 'netrc'), `machine 127.0.0.1 login deploy password ${SECRET}`));

  test('by redirects within it', async () => {
    const { url, seen } = await guarded(basic('deploy'));
    const within = await serveTls((request, response) => {
      seen.push(request.headers.authorization);
      if (request.url === '/') return response.writeHead(302, { location: '/app.bin' }).end();
      return response.writeHead(200, { 'content-length': content.length }).end(content);
    });
    expect((await get(`${within}/`)).error).toBeUndefined();
    expect(seen).toEqual([basic('deploy'), basic('deploy')]);
    expect(url).toBeDefined();
  });

  test('and the trust in its authority too', async () => {
    const other = await serveTls((_, response) => response.writeHead(200).end());
    const home = await serveTls((_, response) => response.writeHead(302, { location: other }).end());
    const { error } = await get(`${home}/`);
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE', context: { errno: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  });

  test('never over http', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(403).end();
    });
    vi.stubEnv('REPO_TOKEN', SECRET);
    const { error } = await get(`${url}/app.bin`, { auth: { fromEnv: 'REPO_TOKEN' } });
    expect(seen).toEqual([undefined]);
    expect(error?.message).toContain('answered 403 (forbidden)');
  });
});

describe('says what is wrong with a login', () => {
  const messageOf = async (url: string, access: ServerAccess = trusted) => {
    const { error } = await get(url, access);
    const text = JSON.stringify(error?.serialize());
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(Buffer.from(`deploy:${SECRET}`).toString('base64'));
    return `${error?.code}: ${error?.message} ${error?.hint}`;
  };

  test('where none was sent: where it could be put', async () => {
    const { url } = await guarded('x');
    const { host } = new URL(url);
    const message = await messageOf(url);
    expect(message).toContain(`answered 401 (it wants credentials). The login that was sent to ${host}: none.`);
    expect(message).toContain(`Put a line for 127.0.0.1 into ~/.netrc`);
    expect(message).toContain(`servers: { '${host}': { auth: { fromEnv: REPO_TOKEN } } }`);
  });

  test('where it is not accepted: which one', async () => {
    const { url } = await guarded('x');
    vi.stubEnv('REPO_TOKEN', SECRET);
    const auth = { fromEnv: 'REPO_TOKEN' };
    expect(await messageOf(url, { ...trusted, auth })).toContain('does not take the token in REPO_TOKEN: renew it');
    await writeFile(join(folder, 'netrc'), `machine 127.0.0.1 login deploy password ${SECRET}`);
    expect(await messageOf(url)).toContain(`user and password of ${join(folder, 'netrc')} for 127.0.0.1`);
  });

  test.each<[string, string | undefined, string]>([
    ['is not set', undefined, 'is not set'],
    ['is empty', '', 'is not set'],
    ['ends with a line break', `${SECRET}\n`, 'holds a line break'],
  ])('where its variable %s', async (_, value, expected) => {
    vi.stubEnv('REPO_TOKEN', value);
    const { url, seen } = await guarded('x');
    const message = await messageOf(url, { ...trusted, auth: { fromEnv: 'REPO_TOKEN' } });
    expect(message).toContain(`LOGIN_SETTINGS: The variable REPO_TOKEN, which has the login for`);
    expect(message).toContain(expected);
    expect(seen).toEqual([]);
  });

  test('where NETRC names no file', async () => {
    vi.stubEnv('NETRC', join(folder, 'nowhere'));
    const { url } = await guarded('x');
    expect(await messageOf(url)).toContain(
      `LOGIN_SETTINGS: ${join(folder, 'nowhere')} (NETRC) cannot be read (ENOENT)`,
    );
  });

  test.skipIf(process.platform === 'win32')('where others can read .netrc of the home folder', async () => {
    vi.stubEnv('NETRC', undefined);
    vi.stubEnv('HOME', folder);
    const file = join(folder, '.netrc');
    await writeFile(file, `machine 127.0.0.1 login deploy password ${SECRET}`, { mode: 0o640 });
    const { url, seen } = await guarded(basic('deploy'));
    expect(await messageOf(url)).toContain(`Run: chmod 600 ${file}`);
    expect(seen).toEqual([]);
    await chmod(file, 0o600);
    expect((await get(url)).error).toBeUndefined();
    await rm(file);
  });
});

describe('a transfer that is cut off', () => {
  /** It drops the connection in the middle, and from then on takes another token alone. */
  async function dropping(statusThen: number): Promise<string> {
    let requests = 0;
    const url = await serveTls((request, response) => {
      requests += 1;
      if (requests === 1) {
        response.writeHead(200, { 'content-length': content.length, etag: '"1"' });
        response.write(content.subarray(0, 100_000), () => response.destroy());
        return;
      }
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0]);
      if (statusThen !== 206) return response.writeHead(statusThen).end();
      const headers = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}`, etag: '"1"' };
      return response.writeHead(206, headers).end(content.subarray(from));
    });
    return `${url}/app.bin`;
  }

  test('is resumed with the same login', async () => {
    vi.stubEnv('REPO_TOKEN', SECRET);
    const { bytes, error } = await get(await dropping(206), { ...trusted, auth: { fromEnv: 'REPO_TOKEN' } });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
  });

  test.each([401, 403])(
    'and then answered %i: the login has expired, which is no dropped connection',
    async (status) => {
      vi.stubEnv('REPO_TOKEN', SECRET);
      const { error, retries } = await get(await dropping(status), { ...trusted, auth: { fromEnv: 'REPO_TOKEN' } });
      expect(error?.code).toBe('SOURCE_REFUSED');
      expect(error?.message).toMatch(
        new RegExp(`answered ${status} after \\d+ of 300007 bytes: what it accepted at the start has expired`),
      );
      expect(error?.hint).toContain('Renew the token in REPO_TOKEN');
      expect(retries).toHaveLength(1);
    },
  );
});

describe('certificates of a server', () => {
  const mutual = (options = {}) =>
    serveTls((_, response) => response.writeHead(200, { 'content-length': content.length }).end(content), {
      requestCert: true,
      rejectUnauthorized: true,
      ca: certificate,
      ...options,
    });

  test('the client shows its own, directly and through a proxy', async () => {
    const url = await mutual();
    const access = { ...trusted, cert: join(folder, 'ca.pem'), key: join(folder, 'key.pem') };
    expect((await get(url, access)).error).toBeUndefined();
    const proxy = await proxyServer();
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.address}`);
    vi.stubEnv('NO_PROXY', '');
    expect((await get(url, access)).error).toBeUndefined();
    expect(proxy.asked).toHaveLength(1);
  });

  test('a server that was shown none says what it wants', async () => {
    // With TLS 1.3 the server says it after the handshake, and a request that is being written may miss it.
    const { error } = await get(await mutual({ maxVersion: 'TLSv1.2' }));
    expect(error?.message).toContain('wants one and was shown none (ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE)');
    expect(error?.hint).toContain('cert: client.pem');
  });

  test.each<[string, ServerAccess, string]>([
    ['a file that is not there', { ca: '/nowhere/ca.pem' }, '/nowhere/ca.pem cannot be read (ENOENT)'],
    ['a file that is none', { ca: 'FOLDER/netrc' }, 'netrc is not a file in PEM'],
    [
      'a certificate as its own key',
      { cert: 'FOLDER/ca.pem', key: 'FOLDER/ca.pem' },
      'cannot be used as a client certificate',
    ],
  ])('%s is refused by its name', async (_, access, expected) => {
    const there = Object.fromEntries(Object.entries(access).map(([k, v]) => [k, v.replace('FOLDER', folder)]));
    const { error } = await get('https://127.0.0.1:1/', there);
    expect(error?.code).toBe('LOGIN_SETTINGS');
    expect(error?.message).toContain(expected);
  });
});
