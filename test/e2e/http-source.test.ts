import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/core/digest.js';
import { certificate, testKey } from '../certificates.js';
import { listen } from '../http-server.js';
import { proxyServer } from '../proxy-server.js';
import { freePorts, sampleProject } from '../sample-project.js';

/** Serves a file to anyone who asks, in ranges too, and drops the first connection that wants its bytes. */
async function serveWithDrop(
  file: { content: Buffer },
  scheme: 'http' | 'https' = 'http',
): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const answer = ({ method, headers }: IncomingMessage, response: ServerResponse) => {
    const { content } = file;
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const isFirst = method === 'GET' && !requests.some((each) => each.startsWith('GET'));
    requests.push(headers.range === undefined ? `${method}` : `${method} ${headers.range}`);
    response.writeHead(headers.range === undefined ? 200 : 206, {
      etag: `"${sha256(content).slice(0, 8)}"`,
      'content-length': content.length - from,
      ...(headers.range === undefined
        ? {}
        : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    if (isFirst) response.write(content.subarray(0, 100), () => response.destroy());
    else response.end(method === 'HEAD' ? undefined : content.subarray(from));
  };
  const server =
    scheme === 'http' ? createServer(answer) : createTlsServer({ key: testKey, cert: certificate }, answer);
  return { url: `${scheme}://${await listen(server)}/app.tar.gz`, requests };
}

test.each([
  ['https', 'by the command, which pins it', 'GET'],
  ['http', 'by the worker, where integrity pins it', 'HEAD'],
] as const)(
  'prestage deploy --prepare-files-only: a source by %s that drops is resumed %s',
  async (scheme, _, first) => {
    const sample = await sampleProject();
    const file = { content: await readFile(join(sample.folder, 'files/app.tar.gz')) };
    const { url, requests } = await serveWithDrop(file, scheme);
    await sample.write('ca.pem', certificate);
    const env = { NODE_EXTRA_CA_CERTS: join(sample.folder, 'ca.pem') };
    sample.config.packages.app = {
      ...sample.config.packages.app,
      source: url,
      ...(scheme === 'http' ? { integrity: `sha256:${sha256(file.content)}` } : {}),
    };
    await sample.save();
    const run = await sample.run('deploy --prepare-files-only --json', { env });
    expect(run.result.error).toBeUndefined();
    expect(run.result).toMatchObject({ ok: true, phase1: 'prepared' });
    expect(requests[0]).toBe(first);
    expect(requests.filter((each) => each.startsWith('GET'))).toEqual([
      'GET',
      expect.stringMatching(/^GET bytes=\d+-$/),
    ]);
    expect(run.events.filter(({ type }) => type === 'package.retry')).toMatchObject([{ package: 'app' }]);
    const tree = join(sample.root, 'releases', run.result.release, 'opt/app/conf/app.properties');
    expect(await readFile(tree, 'utf8')).toBe('color=blue\nmode=prepared\n');
    expect((await sample.run('verify --deep --json')).result).toMatchObject({ ok: true, differences: [] });
  },
);

test('prestage deploy --update-lock: a source that moved beside a stale integrity says what to correct, once', async () => {
  const sample = await sampleProject();
  const file = { content: await readFile(join(sample.folder, 'files/app.tar.gz')) };
  const { url } = await serveWithDrop(file);
  const { app } = sample.config.packages;
  const pinnedTo = async (content: Buffer) => {
    sample.config.packages.app = { ...app, source: url, integrity: `sha256:${sha256(content)}` };
    await sample.save();
  };
  const old = file.content;
  await pinnedTo(old);
  expect((await sample.run('deploy --prepare-files-only --json')).status).toBe(0);
  file.content = await readFile(join(sample.folder, 'files/extras.tar.gz'));
  await sample.run('destroy --purge --yes');
  const { error } = (await sample.run('deploy --prepare-files-only --update-lock --json')).result;
  expect(error).toMatchObject({
    code: 'SOURCE_MOVED',
    context: { package: 'app', expected: sha256(old), found: sha256(file.content) },
  });
  expect(error.message).toContain('no longer what its integrity says');
  expect(error.hint).toContain('correct `integrity` in the configuration');
  expect(error.hint).not.toContain('--update-lock');

  sample.config.packages.app = { source: url, integrity: `sha256:${sha256(file.content)}` };
  await sample.save();
  expect((await sample.run('deploy --prepare-files-only --update-lock --json')).status).toBe(0);
});

test('a source that is not pinned is fetched once for plan and deploy, and both tell how far it is', async () => {
  const sample = await sampleProject((config) => {
    config.services = {};
  });
  const served = {
    content: await readFile(join(sample.folder, 'files/app.tar.gz')),
    modified: 'Mon, 23 Nov 2026 10:00:00 GMT',
  };
  const requests: string[] = [];
  // Slowly, without an ETag: as a plain file server on a thin line.
  const server = createTlsServer({ key: testKey, cert: certificate }, (request, response) => {
    const { content, modified } = served;
    requests.push(String(request.method));
    response.writeHead(200, { 'content-length': content.length, 'last-modified': modified });
    if (request.method === 'HEAD') return response.end();
    const half = Math.ceil(content.length / 2);
    response.write(content.subarray(0, half));
    setTimeout(() => response.write(content.subarray(half, half + 1)), 400);
    return setTimeout(() => response.end(content.subarray(half + 1)), 800);
  });
  const url = `https://${await listen(server)}/app.tar.gz`;
  await sample.write('ca.pem', certificate);
  const env = { NODE_EXTRA_CA_CERTS: join(sample.folder, 'ca.pem') };
  sample.config.packages.app = { ...sample.config.packages.app, source: url };
  await sample.save();

  const planned = await sample.run('plan --json', { env });
  const told = planned.events.filter(({ type }) => type.startsWith('fetch.'));
  const bytesTotal = served.content.length;
  expect(told[0]).toMatchObject({ type: 'fetch.started', package: 'app', bytesTotal });
  expect(told).toContainEqual(expect.objectContaining({ type: 'fetch.progress', package: 'app', bytesTotal }));
  expect(told.at(-1)).toMatchObject({ type: 'fetch.finished', package: 'app', bytes: bytesTotal });
  const [app] = planned.result.phase1.packages;
  expect(app).toMatchObject({ source: 'unpack as tar.gz, strip 1' });

  // Another one on the server is not taken for the copy.
  served.content = await readFile(join(sample.folder, 'files/extras.tar.gz'));
  served.modified = 'Mon, 23 Nov 2026 11:00:00 GMT';
  expect((await sample.run('plan --json', { env })).result.release).not.toBe(planned.result.release);
  expect(requests).toEqual(['GET', 'HEAD', 'GET']);

  delete sample.config.packages.app.steps;
  await sample.save();
  const deployed = await sample.run('deploy --json', { env });
  expect(deployed.result).toMatchObject({ ok: true, phase1: 'prepared' });
  expect(requests).toEqual(['GET', 'HEAD', 'GET', 'HEAD']);
  expect(deployed.events.filter(({ type }) => type.startsWith('fetch.'))).toEqual([]);
  // What is prepared needs no copy; the one that nobody deployed stays for some days.
  const copies = (await readdir(join(sample.folder, '.prestage/cache/sources'))).filter(
    (name) => !name.endsWith('.pin'),
  );
  expect(copies).toEqual([expect.not.stringContaining(sha256(served.content))]);
});

test.each(['plan', 'deploy'])(
  '%s: each source that a server does not have is told at once, with its package and line',
  async (command) => {
    const sample = await sampleProject();
    // The last one is answered first: what is told is in the configuration's order.
    const server = createTlsServer({ key: testKey, cert: certificate }, ({ url }, response) => {
      setTimeout(() => response.writeHead(404).end(), url === '/app.tar.gz' ? 300 : 0);
    });
    const url = `https://${await listen(server)}`;
    await sample.write('ca.pem', certificate);
    const env = { NODE_EXTRA_CA_CERTS: join(sample.folder, 'ca.pem') };
    sample.config.packages.app = { source: `${url}/app.tar.gz` };
    sample.config.packages.again = { source: `${url}/app.tar.gz` };
    sample.config.packages.extras = { extract: true, source: `${url}/extras.tar.gz` };
    await sample.save();
    const lines = (await readFile(join(sample.folder, 'prestage.config.json'), 'utf8')).split('\n');
    const lineOf = (text: string) => lines.findIndex((line) => line.includes(text)) + 1;
    const { status, result } = await sample.run(`${command} --json`, { env });
    expect([status, result.error.code]).toEqual([1, 'SOURCE_REFUSED']);
    const place = (id: string, file: string) => ({
      code: 'SOURCE_REFUSED',
      context: {
        package: id,
        configFile: join(sample.folder, 'prestage.config.json'),
        configLine: lineOf(file),
        url: `${url}/${file}`,
        status: 404,
      },
    });
    expect(result.error.errors).toMatchObject([place('app', 'app.tar.gz'), place('extras', 'extras.tar.gz')]);
    const { stderr } = await sample.run(command, { env });
    expect(stderr).toContain(`configured: ${join(sample.folder, 'prestage.config.json')}:${lineOf('extras.tar.gz')}`);
  },
);

describe('prestage plan with a proxy in the environment', () => {
  async function plan(proxy: Record<string, string>) {
    const sample = await sampleProject();
    const file = { content: await readFile(join(sample.folder, 'files/app.tar.gz')) };
    const { url } = await serveWithDrop(file, 'https');
    await sample.write('ca.pem', certificate);
    sample.config.packages.app = { ...sample.config.packages.app, source: url };
    await sample.save();
    const started = performance.now();
    const { result } = await sample.run('plan --json', {
      env: { NO_PROXY: '', NODE_EXTRA_CA_CERTS: join(sample.folder, 'ca.pem'), ...proxy },
    });
    return { result, url, seconds: (performance.now() - started) / 1000 };
  }

  test('HTTPS_PROXY without a scheme is read as curl reads it', async () => {
    const { address, asked } = await proxyServer();
    const { result, url } = await plan({ HTTPS_PROXY: address });
    expect(result).toMatchObject({ ok: true });
    expect(new Set(asked)).toEqual(new Set([`CONNECT ${new URL(url).host}`]));
  });

  test('a proxy that is not there is named, and soon', async () => {
    const [port] = await freePorts(1);
    const { result, url, seconds } = await plan({ all_proxy: `me:sesame@127.0.0.1:${port}` });
    expect(result.error).toMatchObject({ code: 'SOURCE_UNREACHABLE', context: { proxy: `http://127.0.0.1:${port}` } });
    expect(result.error.message).toBe(
      `${url} could not be fetched: the proxy http://127.0.0.1:${port} (all_proxy) refused the connection, after 3 attempts.`,
    );
    expect(seconds).toBeLessThan(10);
  });

  test.each(['127.0.0.1:port', 'http//bad host'])('%s names no proxy: an error at once that says so', async (value) => {
    const { result, seconds } = await plan({ HTTPS_PROXY: value });
    expect(seconds).toBeLessThan(5);
    expect(result.error).toMatchObject({ code: 'PROXY_SETTINGS', context: { variable: 'HTTPS_PROXY' } });
  });
});
