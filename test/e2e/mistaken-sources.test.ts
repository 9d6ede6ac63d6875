import { createServer } from 'node:https';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { SerializedError } from '../../src/index.js';
import { certificate, testKey } from '../certificates.js';
import { listen } from '../http-server.js';
import { type Sample, sampleProject } from '../sample-project.js';

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'4d'.repeat(32)}\nsize 12345\n`;
const PAGE = '<!-- proxy -->\n<!DOCTYPE html>\n<title>Log in</title>\n';

const told = (error: SerializedError) =>
  (error.errors ?? [error]).map(({ context, message }) => [context.package, message]);

async function withPackages(packages: Sample['config']['packages']): Promise<Sample> {
  return sampleProject((config) => {
    config.services = {};
    config.packages = packages;
  });
}

test('plan and deploy refuse the same files that are not what they are called, with their lines, before a worker starts', async () => {
  const sample = await withPackages({
    empty: { source: 'files/e.tar.gz' },
    jar: { source: 'files/app.jar' },
    model: { source: 'files/model.dat' },
    page: { source: 'files/p.zip' },
    meant: { source: 'files/model.dat', extract: false },
  });
  await sample.write('files/e.tar.gz', '');
  await sample.write('files/app.jar', POINTER);
  await sample.write('files/model.dat', POINTER);
  await sample.write('files/p.zip', PAGE);
  const planned = (await sample.run('plan --json')).result;
  const deployed = await sample.run('deploy --json');
  expect(told(planned.error)).toEqual([
    ['empty', 'e.tar.gz is an archive by its name, and is empty.'],
    ['jar', 'app.jar is an archive by its name, and is a pointer of Git LFS, not the file itself.'],
    ['model', 'model.dat is a pointer of Git LFS, not the file itself.'],
    ['page', 'p.zip is an archive by its name, and is an HTML page with the title "Log in".'],
  ]);
  expect(deployed.result.error).toEqual(planned.error);
  expect(deployed.events.filter(({ type }) => type.startsWith('worker.'))).toEqual([]);
  for (const { context } of planned.error.errors ?? []) expect(context.configLine).toBeGreaterThan(1);
  expect(planned.error.errors?.[2]?.hint).toContain('git lfs pull');
  expect(planned.error.errors?.[2]?.hint).toContain('`extract: false`');

  // Where nobody is asked what is prepared, it is not known whether they are needed.
  const offline = (await sample.run('plan --offline --json')).result;
  expect(offline.phase1.packages.map(({ source }) => source)).toEqual([
    'unpack it, if its content is an archive; it would be refused: e.tar.gz is an archive by its name, and is empty.',
    expect.stringContaining('keep as a file (`extract: true` unpacks it); it would be refused: app.jar'),
    'keep as a file',
    expect.stringContaining('it would be refused: model.dat is a pointer'),
    expect.stringContaining('it would be refused: p.zip'),
  ]);

  for (const id of ['empty', 'jar', 'model', 'page'])
    Object.assign(sample.config.packages[id] ?? {}, { extract: false });
  await sample.save();
  expect((await sample.run('deploy --json')).result).toMatchObject({ ok: true, phase1: 'prepared' });
});

describe('a source from https', () => {
  async function from(
    path: string,
    answer: { body: string | Uint8Array; headers: Record<string, string> },
    item: Record<string, unknown> = {},
  ) {
    const server = createServer({ key: testKey, cert: certificate }, (_, response) =>
      response.writeHead(200, answer.headers).end(answer.body),
    );
    const sample = await withPackages({ app: { source: `https://${await listen(server)}/${path}`, ...item } });
    await sample.write('ca.pem', certificate);
    const env = { NODE_EXTRA_CA_CERTS: join(sample.folder, 'ca.pem') };
    return { run: (line: string) => sample.run(`${line} --json`, { env }) };
  }

  test.each<[string, string, Parameters<typeof from>[1], string]>([
    [
      'that is an archive by its type',
      'latest',
      { body: '', headers: { 'content-type': 'application/gzip' } },
      'latest is an archive by the type that its server gives it (application/gzip), and is empty.',
    ],
    [
      'that is an archive by its type, with parameters',
      'latest',
      { body: '{"error": "gone"}', headers: { 'content-type': 'Application/Zip; charset=binary' } },
      'latest is an archive by the type that its server gives it (Application/Zip), and does not begin like a supported archive',
    ],
    [
      'that is an archive by the name which its server gives it',
      'download?id=7',
      { body: POINTER, headers: { 'content-disposition': 'attachment; filename="app-1.0.tar.gz"' } },
      'download is an archive by the name that its server gives it (app-1.0.tar.gz), and is a pointer of Git LFS',
    ],
    [
      'that is an archive by the name which its server gives it in UTF-8',
      'download',
      { body: '\0'.repeat(10_240), headers: { 'content-disposition': "attachment; filename*=UTF-8''%C3%A4%2Ezip" } },
      'download is an archive by the name that its server gives it (ä.zip), and begins with nothing but zeros',
    ],
    [
      'that is a page, behind a comment, in the place of an archive',
      'app.tar.gz',
      { body: PAGE, headers: { 'content-type': 'text/html' } },
      'app.tar.gz is an archive by its name, and is an HTML page with the title "Log in".',
    ],
    [
      'that is a page in the place of a file',
      'app.bin',
      { body: PAGE, headers: { 'content-type': 'text/html' } },
      'app.bin is an HTML page with the title "Log in".',
    ],
  ])('%s is refused by plan and by deploy', async (_, path, answer, message) => {
    const { run } = await from(path, answer);
    for (const line of ['plan', 'deploy']) {
      const { error } = (await run(line)).result;
      expect(error).toMatchObject({ code: 'ARCHIVE_UNSUPPORTED', context: { package: 'app' } });
      expect(error.message).toContain(message);
    }
  });

  test.each<[string, string, Parameters<typeof from>[1], Record<string, unknown>]>([
    ['one compressed file', 'dump', { body: gzipSync('sql'), headers: { 'content-type': 'application/gzip' } }, {}],
    ['bytes', 'app.bin', { body: 'bytes', headers: { 'content-type': 'application/octet-stream' } }, {}],
    ['bytes that a script sends', 'get', { body: 'bytes', headers: { 'content-type': 'text/html' } }, {}],
    ['whatever it is', 'latest', { body: PAGE, headers: { 'content-type': 'application/zip' } }, { extract: false }],
  ])('that is %s stays a file', async (_, path, answer, item) => {
    const { run } = await from(path, answer, item);
    expect((await run('plan')).result.phase1.packages).toMatchObject([{ source: 'keep as a file' }]);
    expect((await run('deploy')).result).toMatchObject({ ok: true, packages: [{ files: 1 }] });
  });

  test('that the worker fetches itself is refused by what its server says then', async () => {
    const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const answer = { body: '', headers: { 'content-type': 'application/x-tar', 'content-length': '0' } };
    const { run } = await from('latest', answer, { integrity: empty });
    expect((await run('plan')).result.phase1.packages).toMatchObject([
      { source: 'unpack it, if its content is an archive' },
    ]);
    expect((await run('deploy')).result.error.message).toBe(
      'latest is an archive by the type that its server gives it (application/x-tar), and is empty.',
    );
  });
});
