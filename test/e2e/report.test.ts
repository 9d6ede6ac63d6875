import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleProject } from '../sample-project.js';

const pageOf = (path: string | undefined) => readFile(path ?? '', 'utf8');

test('a deployment leaves a page that explains it, and `report` makes it again', async () => {
  const sample = await sampleProject();
  const first = await sample.run('deploy --json');
  const path = join(sample.folder, '.prestage/reports/local', `${first.result.release}.html`);
  expect(first.result.report, first.stdout).toBe(path);
  const page = await pageOf(path);
  for (const text of ['Phase 1: files', 'Phase 2: hosts', 'conf/app.properties', 'api-1', 'hosts/server.mjs'])
    expect(page).toContain(text);
  // The lines that the step changed, and the end of a host's log.
  expect(page).toContain('<ins>+mode=prepared');
  expect(page).toMatch(/<strong>api-0<\/strong>/);
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);

  const unchanged = await sample.run('deploy --json');
  expect(unchanged.result.phase2).toBe('unchanged');
  expect(unchanged.result.report).toBeUndefined();

  const again = await sample.run('report');
  expect(again.stdout).toBe(`${path}\n`);
  expect(await pageOf(path)).toContain('<ins>+mode=prepared');
});

test('the page of the next release says what is new in it, also by file, and keeps what steps did to what it took over', async () => {
  const sample = await sampleProject();
  const first = await sample.run('deploy --json');
  sample.config.packages.extras = {
    ...sample.config.packages.extras,
    steps: [{ chmod: { files: '**', mode: '700' } }],
  };
  await sample.save();
  const second = await sample.run('deploy --json');
  expect(second.result.ok, second.stdout).toBe(true);
  const page = await pageOf(second.result.report);
  expect(page).toContain(`Compared with release <code>${first.result.release}</code>`);
  expect(page).toMatch(/step 1 \(chmod\)[\s\S]*?added/);
  expect(page).toMatch(/2 files changed/);
  expect(page).toContain('<ins>+mode=prepared'); // of the package that was not prepared again

  const earlier = await sample.run(`report ${first.result.release} --json`);
  expect(earlier.result, earlier.stdout).toMatchObject({ ok: true, release: first.result.release });
  expect(await pageOf(earlier.result.report)).toContain('deployed before');
});

test('a deployment that fails leaves a page with why, and the end of its log', async () => {
  const sample = await sampleProject((config) => {
    config.packages.app = {
      ...config.packages.app,
      steps: [{ replace: { files: '**', from: 'x', to: 'y', expect: 999 } }],
    };
  });
  const run = await sample.run('deploy');
  expect(run.status).toBe(1);
  const [, path] = /Report: (.*)/.exec(run.stderr) ?? [];
  const page = await pageOf(join(sample.folder, path ?? ''));
  expect(page).toContain('the deployment failed');
  expect(page).toContain('STEP_COUNT');
  expect(page).toContain('not prepared');
});

test('secrets are in no report, and ten releases are kept', async () => {
  const sample = await sampleProject((config) => {
    const secret = { set: { file: 'conf/app.properties', values: { 'db.password': 'hunter2-hunter2' }, add: true } };
    const steps = [...((config.packages.app?.steps ?? []) as object[]), secret];
    config.packages.app = { ...config.packages.app, steps };
    config.services = {
      api: { ...config.services.api, after: [], count: 1, environment: { API_TOKEN: 'hunter2-hunter2' } },
    };
  });
  const { result, stdout } = await sample.run('deploy --json');
  expect(result.ok, stdout).toBe(true);
  expect(await pageOf(result.report)).toContain('db.password=***');
  for (const name of await readdir(join(sample.folder, '.prestage/reports/local')))
    expect(await readFile(join(sample.folder, '.prestage/reports/local', name), 'utf8')).not.toContain('hunter2');

  for (let i = 0; i < 11; i++) {
    sample.config.packages.extras = { ...sample.config.packages.extras, destination: `opt/extras-${i}` };
    await sample.save();
    expect((await sample.run('deploy --prepare-files-only --json')).result.ok).toBe(true);
  }
  const kept = await readdir(join(sample.folder, '.prestage/reports/local'));
  expect(kept.filter((name) => name.endsWith('.html'))).toHaveLength(10);
  expect(kept).toHaveLength(20);
});

test('without a release there is nothing to report on', async () => {
  const sample = await sampleProject();
  const { status, result } = await sample.run('report --json');
  expect([status, result.error.code]).toEqual([1, 'NOTHING_DEPLOYED']);
});
