import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Run } from '../prestage.js';
import { type Sample, sampleProject } from '../sample-project.js';

/** Two services with a package and a script each, and one that may use any file. */
async function twoServices(): Promise<Sample> {
  const sample = await sampleProject(({ services }) => {
    delete services.jump;
    Object.assign(services.api ?? {}, { count: 1, after: [] });
    Object.assign(services.web ?? {}, { needs: ['app', 'extras'], run: 'hosts/web.mjs' });
    services.any = { run: 'hosts/any.sh' };
  });
  await sample.write('hosts/web.mjs', await readFile(join(sample.folder, 'hosts/server.mjs'), 'utf8'), 0o755);
  await sample.write('hosts/any.sh', '#!/bin/sh\nexec sleep 1000\n', 0o755);
  return sample;
}

const hosts = async (sample: Sample) =>
  Object.fromEntries(
    (await sample.run('status --json')).result.hosts.map(({ service, release }) => [service, release]),
  );
const trees = ({ result }: Run) => Object.fromEntries(result.packages.map((item) => [item.id, item.tree]));

async function changeAll(sample: Sample): Promise<void> {
  await sample.archive('app', {
    'conf/app.properties': 'color=red\nmode=plain\n',
    'bin/run.sh': '#!/bin/sh\necho 2\n',
  });
  await sample.archive('extras', { 'readme.txt': 'extras 2\n' });
  for (const name of ['server', 'web']) {
    const text = await readFile(join(sample.folder, `hosts/${name}.mjs`), 'utf8');
    await sample.write(`hosts/${name}.mjs`, `${text}// 2\n`, 0o755);
  }
}

describe('prestage deploy --only', () => {
  test('of a package: the others, the scripts and the services stay as deployed', async () => {
    const sample = await twoServices();
    const first = await sample.run('deploy --json');
    await changeAll(sample);
    const locked = async () => JSON.parse(await readFile(join(sample.folder, 'prestage.lock'), 'utf8')).sources;
    const lock = await locked();
    // What is not named may even be gone.
    await rm(join(sample.folder, 'files/app.tar.gz'));

    const only = await sample.run('deploy --only extras --json');
    expect(only.result).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });
    expect(trees(only).app).toBe(trees(first).app);
    expect(trees(only).extras).not.toBe(trees(first).extras);
    expect(await hosts(sample)).toEqual({
      api: first.result.release,
      web: only.result.release,
      any: only.result.release,
    });
    const folder = join(sample.root, 'releases', only.result.release);
    expect(await readFile(join(folder, '.prestage/scripts/hosts/web.mjs'), 'utf8')).not.toContain('// 2');
    expect(await readFile(join(folder, 'extras/readme.txt'), 'utf8')).toBe('extras 2\n');
    expect(await locked()).toEqual({
      ...lock,
      'files/extras.tar.gz': expect.not.objectContaining({ sha256: lock['files/extras.tar.gz'].sha256 }),
    });
    expect((await sample.run('verify --deep --json')).status).toBe(0);
    expect((await sample.run('deploy --only extras --json')).result).toMatchObject({
      phase1: 'ready',
      phase2: 'unchanged',
    });

    const back = await sample.run('rollback --json');
    expect(back.result).toMatchObject({ ok: true, release: first.result.release });
  });

  test('of a service: its hosts move, the others stay; the next plain deploy brings the rest', async () => {
    const sample = await twoServices();
    const first = await sample.run('deploy --json');
    await changeAll(sample);
    sample.config.services.web = { ...sample.config.services.web, environment: { LEVEL: '2' } };
    await sample.save();

    const only = await sample.run('deploy --only web --json');
    expect(only.result).toMatchObject({ ok: true, phase2: 'applied' });
    expect(trees(only)).toEqual(trees(first));
    expect(await hosts(sample)).toEqual({
      api: first.result.release,
      web: only.result.release,
      any: first.result.release,
    });
    const spec = await readFile(join(sample.root, 'hosts/web-0/host.json'), 'utf8');
    expect(JSON.parse(spec)).toMatchObject({ environment: { LEVEL: '2' } });

    const all = await sample.run('deploy --json');
    expect(trees(all).app).not.toBe(trees(first).app);
    expect(new Set(Object.values(await hosts(sample)))).toEqual(new Set([all.result.release]));
  });

  test('what cannot be is refused before anything is changed', async () => {
    const sample = await twoServices();
    const fails = async (line: string) => {
      const { status, result } = await sample.run(`deploy --only ${line} --json`);
      return [status, result.error.code, `${result.error.message} ${result.error.hint}`];
    };
    expect(await fails('extra')).toEqual([2, 'USAGE', expect.stringContaining('Did you mean extras?')]);
    expect(await fails('extras')).toEqual([1, 'NOTHING_DEPLOYED', expect.stringContaining('without --only')]);

    await sample.run('deploy');
    await changeAll(sample);
    await sample.archive('more', { 'more.txt': 'more\n' });
    sample.config.packages.more = { source: 'files/more.tar.gz' };
    Object.assign(sample.config.services.web ?? {}, { needs: ['app', 'more'], run: 'hosts/server.mjs' });
    await sample.save();
    expect(await fails('web')).toEqual([2, 'USAGE', expect.stringContaining('`--only web more`')]);
    expect(await fails('web,more')).toEqual([2, 'USAGE', expect.stringContaining('`--only web more api`')]);
    expect((await sample.run('deploy --only web more api --json')).result).toMatchObject({ ok: true });
  });

  test('what stays and is no longer in the store is an error that says so', async () => {
    const sample = await twoServices();
    const first = await sample.run('deploy --json');
    await changeAll(sample);
    await rm(join(sample.root, 'trees', trees(first).app ?? ''), { recursive: true });
    const { status, result } = await sample.run('deploy --only extras --json');
    expect([status, result.error.code]).toEqual([1, 'FILES_NOT_READY']);
    expect(result.error.message).toContain('app');
  });
});
