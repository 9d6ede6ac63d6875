import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/core/digest.js';
import { lacks } from '../requirements.js';
import { awsEnvironment, faultyProxy, s3Server } from '../s3-server.js';
import { sampleProject } from '../sample-project.js';

test.skipIf(lacks('versitygw')).each([
  ['downloaded once, to be pinned', false, ['HEAD', 'GET']],
  ['streamed into its tree, where the server knows its SHA-256', true, ['HEAD', 'GET']],
])('prestage deploy: an object on S3 is %s', async (_, knowsDigest, requests) => {
  const sample = await sampleProject();
  const archive = join(sample.folder, 'files/app.tar.gz');
  const put = async (content: Buffer) =>
    server.put('files/app.tar.gz', content, {
      ...(knowsDigest
        ? { 'x-amz-checksum-sha256': Buffer.from(sha256(content), 'hex').toString('base64') }
        : undefined),
    });
  const server = await s3Server();
  await put(await readFile(archive));
  const { endpoint, seen } = await faultyProxy(server.endpoint, () => undefined);
  const env = awsEnvironment(endpoint);
  sample.config.packages.app = { ...sample.config.packages.app, source: 's3://files/app.tar.gz' };
  await sample.save();

  const first = await sample.run('deploy --prepare-files-only --json', { env });
  expect(first.result.error).toBeUndefined();
  expect(first.result).toMatchObject({ ok: true, phase1: 'prepared' });
  expect(seen).toEqual(requests);
  const tree = join(sample.root, 'releases', first.result.release, 'opt/app/conf/app.properties');
  expect(await readFile(tree, 'utf8')).toBe('color=blue\nmode=prepared\n');

  // Pinned and prepared: neither S3 nor credentials are needed any more.
  const again = await sample.run('deploy --prepare-files-only --json', { env: { ...env, AWS_ACCESS_KEY_ID: '' } });
  expect(again.result).toMatchObject({ ok: true, phase1: 'ready', release: first.result.release });
  expect(seen).toEqual(requests);

  await sample.archive('app', { 'conf/app.properties': 'color=red\nmode=plain\n', 'new.txt': 'new\n' });
  await put(await readFile(archive));
  const planned = await sample.run('plan --update-lock --json', { env });
  expect(planned.result.phase1).toMatchObject({ needed: true });
  const updated = await sample.run('deploy --prepare-files-only --update-lock --json', { env });
  expect(updated.result).toMatchObject({ ok: true, phase1: 'prepared', release: planned.result.release });
  expect((await sample.run('verify --deep --json')).result).toMatchObject({ ok: true, differences: [] });

  const written = await readdir(sample.folder, { recursive: true, withFileTypes: true });
  for (const entry of written.filter((each) => each.isFile() && /\.(json|ndjson|log|lock)$/.test(each.name)))
    expect(await readFile(join(entry.parentPath, entry.name), 'utf8')).not.toMatch(/AKIATESTKEY|a-secret-of-tests/);
  expect([first, again, planned, updated].map(({ stdout, stderr }) => stdout + stderr).join('')).not.toMatch(
    /AKIATESTKEY|a-secret-of-tests|Signature=/,
  );
});

test.skipIf(lacks('versitygw'))('prestage plan: what S3 refuses is told with its remedy', async () => {
  const server = await s3Server();
  const sample = await sampleProject(({ packages }) => {
    packages.app = { source: 's3://files/none.tar.gz' };
  });
  const run = await sample.run('plan --json', { env: awsEnvironment(server.endpoint) });
  expect(run.status).toBe(1);
  expect(run.result.error).toMatchObject({
    code: 'SOURCE_REFUSED',
    message: 's3://files/none.tar.gz: there is no such object (NoSuchKey).',
    context: { url: 's3://files/none.tar.gz' },
  });
});

test.skipIf(lacks('versitygw'))('prestage deploy: a vendor has a server and a profile of its own', async () => {
  const vendor = await s3Server();
  const sample = await sampleProject();
  const content = await readFile(join(sample.folder, 'files/app.tar.gz'));
  await vendor.put('files/app.tar.gz', content);
  const [config, credentials] = [join(sample.folder, 'aws-config'), join(sample.folder, 'aws-credentials')];
  await writeFile(config, '[profile vendor]\nregion = us-east-1\n');
  await writeFile(
    credentials,
    '[vendor]\naws_access_key_id = AKIATESTKEY\naws_secret_access_key = a-secret-of-tests\n',
  );
  sample.config.packages.app = {
    ...sample.config.packages.app,
    source: 's3://files/app.tar.gz',
    endpoint: vendor.endpoint,
    profile: 'vendor',
    integrity: `sha256:${sha256(content)}`,
  };
  await sample.save();
  const env = {
    ...awsEnvironment('http://127.0.0.1:1'),
    AWS_ACCESS_KEY_ID: 'another',
    AWS_CONFIG_FILE: config,
    AWS_SHARED_CREDENTIALS_FILE: credentials,
  };
  const deployed = await sample.run('deploy --prepare-files-only --json', { env });
  expect(deployed.result).toMatchObject({ ok: true, phase1: 'prepared' });
  const lock = JSON.parse(await readFile(join(sample.folder, 'prestage.lock'), 'utf8'));
  expect(Object.keys(lock.sources)).toContain(`s3://files/app.tar.gz at ${vendor.endpoint}`);

  const planned = await sample.run('plan --update-lock --json', {
    env: { ...env, AWS_CONFIG_FILE: '/nonexistent', AWS_SHARED_CREDENTIALS_FILE: '/nonexistent' },
  });
  expect(planned.result.error).toMatchObject({ code: 'AWS_SETTINGS', context: { profile: 'vendor' } });
});
