import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { prestage, repository } from '../prestage.js';
import { freePorts } from '../sample-project.js';

const execute = promisify(execFile);

/** The quickstart as it is, but for its ports: somebody may be trying it on this machine. */
async function quickstart() {
  const root = await mkdtemp(join(tmpdir(), 'prestage-quickstart-'));
  const folder = join(root, 'examples/quickstart');
  await cp(join(repository, 'examples/quickstart'), folder, {
    recursive: true,
    filter: (path) => !path.includes('.prestage'),
  });
  const [api = 0, web = 0] = await freePorts(4);
  const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
  await writeFile(
    join(folder, 'prestage.config.yaml'),
    config.replace('18081', String(api)).replace('18080', String(web)),
  );
  onTestFinished(async () => {
    await prestage('destroy --env dev --purge --yes', { cwd: folder });
    await rm(root, { recursive: true, force: true });
  });
  return { root, folder, api: `http://127.0.0.1:${api}`, web: `http://127.0.0.1:${web}` };
}

test('examples/quickstart: prestage deploy serves what was prepared, and keeps its data over a second deployment', async () => {
  const { folder, api, web } = await quickstart();
  const first = await prestage('deploy --env dev --json', { cwd: folder });
  expect(first.result, first.stdout).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });

  const posted = await fetch(`${api}/entries`, { method: 'POST', body: JSON.stringify({ text: 'opening balance' }) });
  expect(posted.status).toBe(201);
  const health = (await (await fetch(`${web}/health`)).json()) as { api: { host: string; home: string }[] };
  // Each of these is the work of another step, or of the database; both hosts of api answer.
  expect(health).toMatchObject({ title: 'The Ledger (dev)', theme: 'paper' });
  expect(health.api.map((answer) => answer.host).sort()).toEqual(['api-0', 'api-1']);
  for (const answer of health.api) {
    expect(answer).toMatchObject({
      edition: 'production',
      poolSize: 4,
      packageManager: 'dnf',
      reports: ['balance', 'journal'],
      entries: 1,
      database: expect.stringMatching(/^PostgreSQL 16\./),
      release: first.result.release,
    });
  }
  expect(await (await fetch(web)).text()).toContain('opening balance');

  // Another motto is another release: web and api are replaced, the entry is still there.
  const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
  await writeFile(
    join(folder, 'prestage.config.yaml'),
    config.replace('What was prepared is what is served.', 'Second edition.'),
  );
  const second = await prestage('deploy --env dev --json', { cwd: folder });
  expect(second.result).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });
  const page = await (await fetch(web)).text();
  expect(page).toContain('Second edition.');
  expect(page).toContain('opening balance');

  const third = await prestage('deploy --env dev --json', { cwd: folder });
  expect(third.result).toMatchObject({ ok: true, phase1: 'ready', phase2: 'unchanged' });
});

test('examples/quickstart: prod has the tree of dev where no value is in it, and another where one is', async () => {
  const { folder } = await quickstart();
  const prepare = async (env: string) => {
    const { result } = await prestage(`deploy --prepare-files-only --env ${env} --json`, { cwd: folder });
    expect(result).toMatchObject({ ok: true, phase1: 'prepared' });
    const trees = Object.fromEntries(result.packages.map(({ id, tree, digest }) => [id, `${tree} ${digest}`]));
    const server = join(folder, '.prestage', env, 'releases', result.release, 'opt/ledger');
    return { trees, properties: await readFile(join(server, 'conf/ledger.properties'), 'utf8') };
  };
  const [dev, prod] = [await prepare('dev'), await prepare('prod')];
  expect(prod.trees.themes).toBe(dev.trees.themes);
  expect(prod.trees.server).not.toBe(dev.trees.server);
  expect([dev, prod].map(({ properties }) => /^db\.pool\.size *= *(.*)$/m.exec(properties)?.[1])).toEqual(['4', '16']);
  // What differs of a service changes no file.
  const { result } = await prestage('config --env prod --json', { cwd: folder });
  expect(result).toMatchObject({ config: { services: { api: { count: 3, port: 18091 }, web: { port: 18090 } } } });
});

test('npm start deploys examples/quickstart, says what can be done next, and npm run stop ends it', async () => {
  const { root, web } = await quickstart();
  await cp(join(repository, 'package.json'), join(root, 'package.json'));
  await symlink(join(repository, 'dist'), join(root, 'dist'), 'junction');
  const { stderr } = await execute('npm', ['start'], { cwd: root });
  expect(stderr).toContain(web);
  expect(stderr).toContain('  npx prestage status --config examples/quickstart --env dev\n');
  expect((await fetch(web)).status).toBe(200);
  await execute('npm', ['run', 'stop'], { cwd: root });
  await expect(fetch(web)).rejects.toThrow();
});
