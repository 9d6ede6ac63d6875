import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/core/digest.js';
import { certificate, testKey } from '../certificates.js';
import { filesBelow } from '../files-below.js';
import { listen } from '../http-server.js';
import { type Sample, sampleProject } from '../sample-project.js';

const TOKEN = 'tr0ub4dor-and-3';

/** The sample, whose app is on a server that wants a login: a token, or user and password. */
async function behindLogin(): Promise<{ sample: Sample; url: string; host: string; env: Record<string, string> }> {
  const sample = await sampleProject();
  const content = await readFile(join(sample.folder, 'files/app.tar.gz'));
  const basic = `Basic ${Buffer.from(`deploy:${TOKEN}`).toString('base64')}`;
  const server = createServer({ key: testKey, cert: certificate }, ({ headers }, response) => {
    if (![`Bearer ${TOKEN}`, basic].includes(headers.authorization ?? '')) return response.writeHead(401).end();
    return response.writeHead(200, { 'content-length': content.length }).end(content);
  });
  const host = await listen(server);
  const url = `https://${host}/app.tar.gz`;
  await sample.write('ca.pem', certificate);
  sample.config.packages.app = { ...sample.config.packages.app, source: url, integrity: `sha256:${sha256(content)}` };
  sample.config.servers = { [host]: { auth: { fromEnv: 'REPO_TOKEN' }, ca: 'ca.pem' } };
  await sample.save();
  // The files of the person who runs this test are none of its business.
  await sample.write('netrc', '');
  return { sample, url, host, env: { REPO_TOKEN: TOKEN, NETRC: join(sample.folder, 'netrc') } };
}

test('prestage deploy, of a source behind a login: the token is used by the worker, and written nowhere', async () => {
  const { sample, env, host } = await behindLogin();
  const without = await sample.run('deploy --json', { env: { ...env, REPO_TOKEN: '' } });
  expect(without.result.error).toMatchObject({
    code: 'LOGIN_SETTINGS',
    context: { variable: 'REPO_TOKEN', server: host },
  });

  const runs = [await sample.run('deploy --json -v', { env })];
  expect(runs[0]?.result).toMatchObject({ ok: true, phase1: 'prepared' });
  // Once prepared, nobody needs it.
  for (const line of [
    'plan --json',
    'status --json',
    'logs',
    'report',
    'support',
    'plan --out review',
    'doctor --json',
  ])
    runs.push(await sample.run(line, { env: line.startsWith('doctor') ? env : {} }));
  for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toContain(TOKEN);
  expect(runs.at(-1)?.stdout).toContain(`${host}: the token in REPO_TOKEN`);

  const written = await filesBelow(sample.folder);
  expect(Object.keys(written).some((path) => path.endsWith('job.json'))).toBe(true);
  for (const [path, text] of Object.entries(written)) expect(text, path).not.toContain(TOKEN);
  expect(await readFile(join(sample.folder, 'prestage.lock'), 'utf8')).not.toContain('REPO_TOKEN');
});

test('prestage deploy --single-phase, of a source behind a login: the jump host has the token, its scripts have not', async () => {
  const { sample, env } = await behindLogin();
  await sample.write('hosts/jump.mjs', "#!/usr/bin/env node\nconsole.log('token:', process.env.REPO_TOKEN);\n", 0o755);
  const { result } = await sample.run('deploy --single-phase --json', { env });
  expect(result.error).toBeUndefined();
  expect(result).toMatchObject({ ok: true, phase1: 'skipped' });
  expect((await sample.run('logs jump')).stdout).toContain('token: undefined');
  for (const [path, text] of Object.entries(await filesBelow(sample.root))) expect(text, path).not.toContain(TOKEN);
});

test('prestage deploy, of a source that .netrc has the login for', async () => {
  const { sample, env, host } = await behindLogin();
  sample.config.servers = { [host]: { ca: 'ca.pem' } };
  await sample.save();
  await writeFile(join(sample.folder, 'netrc'), `machine 127.0.0.1 login deploy password ${TOKEN}\n`, { mode: 0o600 });
  const { result } = await sample.run('deploy --prepare-files-only --json', { env });
  expect(result).toMatchObject({ ok: true, phase1: 'prepared' });
  await rm(join(sample.folder, 'netrc'));
  for (const [path, text] of Object.entries(await filesBelow(sample.folder))) expect(text, path).not.toContain(TOKEN);
  expect(await readdir(sample.folder)).toContain('prestage.lock');
});
