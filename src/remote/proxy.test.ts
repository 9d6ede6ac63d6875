import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { proxyServer } from '../../test/proxy-server.js';
import { lacks } from '../../test/requirements.js';
import type { PrestageError } from '../core/errors.js';
import { proxyFor } from './proxy.js';

const proxyOf = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env);

function thrownBy(work: () => unknown): PrestageError {
  try {
    work();
  } catch (error) {
    return error as PrestageError;
  }
  throw new Error('nothing was thrown');
}

describe('the proxy for a server', () => {
  test.each([
    ['127.0.0.1:8096', 'http://127.0.0.1:8096', undefined],
    ['http://proxy:80', 'http://proxy:80', undefined],
    ['proxy', 'http://proxy:1080', undefined],
    ['https://proxy', 'https://proxy:443', undefined],
    ['HTTP://Proxy:3128/', 'http://proxy:3128', undefined],
    ['[::1]:3128', 'http://[::1]:3128', undefined],
    ['me:s%2Fsame@proxy:1', 'http://proxy:1', 'me:s/same'],
    ['me@proxy:1', 'http://proxy:1', 'me:'],
  ])('named as %s is %s', (value, origin, credentials) => {
    const authorization =
      credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
    expect(proxyOf('https://host/', { HTTPS_PROXY: value })).toEqual({
      origin,
      authorization,
      variable: 'HTTPS_PROXY',
    });
  });

  test.each([
    ['https://host/', { https_proxy: 'a', HTTPS_PROXY: 'b', ALL_PROXY: 'c' }, 'https_proxy'],
    ['https://host/', { https_proxy: '', HTTPS_PROXY: 'b', ALL_PROXY: 'c' }, 'HTTPS_PROXY'],
    ['https://host/', { http_proxy: 'a' }, undefined],
    ['https://host/', { http_proxy: 'a', all_proxy: 'b', ALL_PROXY: 'c' }, 'all_proxy'],
    ['http://host/', { https_proxy: 'a', ALL_PROXY: 'c' }, 'ALL_PROXY'],
    ['http://host/', { HTTP_PROXY: 'a' }, 'HTTP_PROXY'],
    ['http://host/', {}, undefined],
  ])('%s with %j is what %s names', (url, env, variable) => {
    expect(proxyOf(url, env)?.variable).toBe(variable);
  });

  test.each([
    ['socks5://proxy:1080', 'speaks socks5'],
    ['http://', 'is not the address of a proxy'],
    ['proxy:port', 'is not the address of a proxy'],
    ['me:sesame@pro xy', 'is not the address of a proxy'],
    ['http//bad host', 'more than a host and a port'],
    ['https//me:sesame@proxy:3128', 'more than a host and a port'],
    ['http:///proxy:3128', 'more than a host and a port'],
    ['proxy:3128?x', 'more than a host and a port'],
    ['me:1/sesame@proxy:3128', 'more than a host and a port'],
  ])('named as %s is an error that says so, without its password', (value, what) => {
    expect(() => proxyOf('https://host/', { HTTPS_PROXY: value })).toThrow(
      expect.objectContaining({ code: 'PROXY_SETTINGS', message: expect.stringContaining(what) }),
    );
    const error = thrownBy(() => proxyOf('https://host/', { HTTPS_PROXY: value }));
    expect(JSON.stringify(error.serialize())).not.toContain('sesame');
    expect(error).toMatchObject({
      message: expect.stringMatching(/^HTTPS_PROXY /),
      hint: expect.stringContaining('HTTPS_PROXY=proxy.internal:3128, or unset it'),
      context: { variable: 'HTTPS_PROXY', expected: expect.stringContaining('user:password@') },
    });
    // Nothing of what it advises looks like a secret.
    expect(error.hint).not.toContain('***');
  });

  test('is not read where NO_PROXY excepts the server', () => {
    expect(proxyOf('https://host/', { HTTPS_PROXY: 'socks5://x', NO_PROXY: 'host' })).toBeUndefined();
  });

  test.each([
    ['host:8080', 'http://host:8080/', true],
    ['host:8080', 'http://host/', false],
    ['*.example.com', 'http://www.example.com/', true],
    ['[::1]:80', 'http://[::1]/', true],
  ])('NO_PROXY=%s, which curl does not read so, excepts %s: %s', (list, url, excepted) => {
    expect(proxyOf(url, { http_proxy: 'proxy', NO_PROXY: list }) === undefined).toBe(excepted);
  });
});

describe.skipIf(lacks('curl'))('as curl does', () => {
  test.each([
    ['http://example.com/', { no_proxy: 'example.com' }],
    ['http://www.example.com/', { no_proxy: 'example.com' }],
    ['http://www.example.com/', { no_proxy: '.example.com' }],
    ['http://example.com/', { no_proxy: '.example.com' }],
    ['http://notexample.com/', { no_proxy: 'example.com' }],
    ['http://EXAMPLE.com/', { no_proxy: 'a, Example.COM' }],
    ['http://example.com./', { no_proxy: 'example.com' }],
    ['http://example.com:8080/', { no_proxy: 'example.com' }],
    ['http://example.com/', { no_proxy: '*' }],
    ['http://example.com/', { no_proxy: '', NO_PROXY: 'example.com' }],
    ['http://example.com/', { no_proxy: 'other', NO_PROXY: 'example.com' }],
    ['http://10.1.2.3/', { NO_PROXY: '10.0.0.0/8' }],
    ['http://10.1.2.3/', { NO_PROXY: '10.1.2.3' }],
    ['http://11.1.2.3/', { NO_PROXY: '10.0.0.0/8,10.1.2.3' }],
    ['http://10.1.2.3/', { NO_PROXY: '2.3' }],
    ['http://[::1]/', { NO_PROXY: '::1' }],
    ['http://[fe80::1]/', { NO_PROXY: '::1' }],
    ['http://example.com/', { http_proxy: '', all_proxy: 'PROXY' }],
    ['http://example.com/', { http_proxy: '', ALL_PROXY: 'http://PROXY/' }],
    ['http://example.com/', { http_proxy: '', https_proxy: 'PROXY' }],
    ['http://example.com/', { http_proxy: '', all_proxy: '', ALL_PROXY: '' }],
    ['http://example.com/', { http_proxy: 'me:sesame@PROXY' }],
  ])('%s with %j', async (url, given) => {
    const proxy = await proxyServer({ upstream: '127.0.0.1:9' });
    const variables = Object.entries({ http_proxy: 'PROXY', ...given });
    const env = Object.fromEntries(variables.map(([name, value]) => [name, value.replace('PROXY', proxy.address)]));
    // What goes past the proxy is refused at port 9 of this machine, whatever its address.
    const past = ['--connect-to', '::127.0.0.1:9', '--max-time', '5'];
    await promisify(execFile)('curl', ['-s', ...past, url], { env: { PATH: process.env.PATH, ...env } }).catch(
      () => {},
    );
    const found = proxyOf(url, env);
    expect(found === undefined ? [] : [found.authorization]).toEqual(proxy.credentials);
  });
});
