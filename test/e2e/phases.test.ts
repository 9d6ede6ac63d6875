import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Run } from '../prestage.js';
import { sampleProject } from '../sample-project.js';

const digests = (run: Run) => run.result.packages.map((item) => `${item.id} ${'digest' in item ? item.digest : ''}`);

describe('two phases', () => {
  test('prestage deploy --json', async () => {
    const sample = await sampleProject();
    const first = await sample.run('deploy --json');
    expect(first.result).toMatchObject({
      type: 'result',
      command: 'deploy',
      ok: true,
      phase1: 'prepared',
      phase2: 'applied',
    });
    expect(first.status).toBe(0);
    expect(first.result.root).toBe(sample.root);
    expect(first.result.packages).toMatchObject([
      { id: 'app', reused: false, files: 2 },
      { id: 'extras', reused: false, files: 2 },
    ]);
    expect(await readdir(join(sample.root, '.staging')).catch(() => [])).toEqual([]);

    // Every host sees the one release, patched.
    const answers = await Promise.all(['api', 'web'].map((service) => sample.ask(service)));
    expect(answers).toMatchObject([
      { release: first.result.release, color: 'blue', host: 'api-0' },
      { release: first.result.release, color: 'blue', host: 'web-0' },
    ]);
    const status = await sample.run('status --json');
    expect(
      status.result.hosts.map((host) => `${host.service}-${host.index} ${host.state} ${host.release}`).sort(),
    ).toEqual(['api-0', 'api-1', 'jump-0', 'web-0'].map((host) => `${host} healthy ${first.result.release}`));
    expect(status.result.hosts.find((host) => host.service === 'web')).toMatchObject({
      url: `http://127.0.0.1:${sample.config.services.web?.port}`,
    });
    expect(status.result.hosts.find((host) => host.service === 'jump')).not.toHaveProperty('url');
    expect(status.result.temporary).toEqual([]);

    const second = await sample.run('deploy --json');
    expect(second.result).toMatchObject({
      ok: true,
      release: first.result.release,
      phase1: 'ready',
      phase2: 'unchanged',
    });
    expect(second.result.packages.every((item) => 'reused' in item && item.reused)).toBe(true);
  });

  test.each([
    ['deploy --prepare-files-only --json', 'deploy --skip-file-prep --json'],
    ['deploy -PrepareFilesOnly -Json', 'deploy -SkipFilePrep -Json'],
  ])('prestage %s, then prestage %s', async (prepare, skip) => {
    const sample = await sampleProject();
    const prepared = await sample.run(prepare);
    expect(prepared.result).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'skipped', hosts: [] });
    const status = (await sample.run('status --json')).result;
    expect(status).toMatchObject({ ok: true, release: null, hosts: [], releases: [prepared.result.release] });
    expect((await sample.run('verify --deep --json')).result).toMatchObject({ ok: true, differences: [] });

    const applied = await sample.run(skip);
    expect(applied.result).toMatchObject({
      ok: true,
      phase1: 'ready',
      phase2: 'applied',
      release: prepared.result.release,
    });
    expect(await sample.ask('web')).toMatchObject({ release: prepared.result.release, color: 'blue' });
  });

  test('prestage deploy --skip-file-prep with nothing ready', async () => {
    const sample = await sampleProject();
    const run = await sample.run('deploy --skip-file-prep --json');
    expect(run.status).toBe(1);
    expect(run.result.error).toMatchObject({ code: 'FILES_NOT_READY', context: { missing: ['app', 'extras'] } });
    expect(run.result.error.message).toMatch(/app, extras/);
    expect(run.result.error.hint).toMatch(/--prepare-files-only/);
    expect((await sample.run('status --json')).result.hosts).toEqual([]);
  });

  test('prestage plan --json changes nothing and says what deploy then does', async () => {
    const sample = await sampleProject();
    const before = await readdir(sample.folder);
    const planned = await sample.run('plan --json');
    expect(planned.status).toBe(0);
    await writeFile(join(sample.folder, 'file'), '');
    expect((await sample.run('plan --out file --json')).result.error).toMatchObject({ code: 'USAGE' });
    await rm(join(sample.folder, 'file'));
    expect((await sample.run('plan --out review --json')).status).toBe(0);
    const scripts = await readdir(join(sample.folder, 'review', 'scripts', 'hosts'));
    expect(scripts.sort()).toEqual(['jump.mjs', 'server.mjs']);
    await rm(join(sample.folder, 'review'), { recursive: true });
    expect(planned.result.phase1).toMatchObject({
      needed: true,
      packages: [
        { id: 'app', action: 'prepare' },
        { id: 'extras', action: 'prepare' },
      ],
    });
    expect((await readdir(sample.folder)).filter((name) => name !== '.prestage')).toEqual(before);
    const deployed = await sample.run('deploy --json');
    expect(deployed.result.release).toBe(planned.result.release);
    const again = await sample.run('plan --json');
    expect(again.result).toMatchObject({ phase1: { needed: false }, phase2: { action: 'unchanged' } });
  });
});

describe('single phase, the traditional way', () => {
  test('prestage deploy --single-phase --json', async () => {
    const sample = await sampleProject();
    const single = await sample.run('deploy --single-phase --json');
    expect(single.result).toMatchObject({ ok: true, phase1: 'skipped', phase2: 'applied' });
    expect(single.events).toContainEqual(
      expect.objectContaining({ type: 'host.files', host: 'jump-0', state: 'preparing' }),
    );
    expect(await sample.ask('api')).toMatchObject({ release: single.result.release, color: 'blue' });

    const again = await sample.run('deploy --single-phase --json');
    expect(again.result).toMatchObject({ ok: true, phase1: 'ready', phase2: 'unchanged' });

    // One engine: a worker makes the same bytes.
    await sample.run('destroy --purge --yes');
    const twoPhase = await sample.run('deploy --prepare-files-only --json');
    expect(digests(twoPhase)).toEqual(digests(single));
    expect(twoPhase.result.release).toBe(single.result.release);
  });

  test('mode: single-phase, then prestage deploy, whose hosts wait for the jump host', async () => {
    const sample = await sampleProject((config) => {
      config.mode = 'single-phase';
      delete config.services.api?.after;
      delete config.services.web?.after;
    });
    const run = await sample.run('deploy --json');
    expect(run.result).toMatchObject({ ok: true, phase1: 'skipped', phase2: 'applied' });
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'host.files', host: 'jump-0', state: 'preparing' }),
    );
    expect(await sample.ask('web')).toMatchObject({ color: 'blue' });
  });
});

test('prestage deploy --single-phase after somebody removed a tree: the jump host prepares it again', async () => {
  const sample = await sampleProject();
  const first = await sample.run('deploy --single-phase --json');
  await sample.run('destroy --yes');
  const [app] = first.result.packages as { tree: string }[];
  await rm(join(sample.root, 'trees', app?.tree ?? ''), { recursive: true });
  const again = await sample.run('deploy --single-phase --json');
  expect(again.result).toMatchObject({ ok: true, phase1: 'skipped', phase2: 'applied' });
  expect(digests(again)).toEqual(digests(first));
  expect(await sample.ask('api')).toMatchObject({ color: 'blue' });
});

test('prestage deploy --single-phase without a jump host is refused before anything is changed', async () => {
  const sample = await sampleProject((config) => {
    config.services = {};
  });
  const run = await sample.run('deploy --single-phase --json');
  expect(run.status).toBe(2);
  expect(run.result.error).toMatchObject({ code: 'USAGE' });
  expect(run.result.error.message).toMatch(/role: jump/);
  expect(existsSync(join(sample.folder, 'prestage.lock'))).toBe(false);
});

describe('what changed, and only that', () => {
  test('prestage deploy after one package of twenty changed', async () => {
    const sample = await sampleProject();
    for (let n = 1; n <= 18; n++) {
      await sample.archive(`part${n}`, { 'file.txt': `part ${n}\n` });
      sample.config.packages[`part${n}`] = { source: `files/part${n}.tar.gz` };
    }
    await sample.save();
    const first = await sample.run('deploy --prepare-files-only --json');
    expect(first.result.packages).toHaveLength(20);
    await sample.archive('part7', { 'file.txt': 'another part 7\n' });
    const second = await sample.run('deploy --prepare-files-only --json');
    expect(second.result.phase1).toBe('prepared');
    const again = second.result.packages.filter((item) => 'reused' in item && !item.reused).map((item) => item.id);
    expect(again).toEqual(['part7']);
    expect(second.events.filter((event) => event.type === 'package.started')).toMatchObject([{ package: 'part7' }]);
    expect(second.events).toContainEqual(
      expect.objectContaining({ type: 'source.locked', source: 'files/part7.tar.gz' }),
    );
  });

  test('prestage deploy after somebody removed a tree from the store', async () => {
    const sample = await sampleProject((config) => {
      config.services = {};
    });
    const first = await sample.run('deploy --json');
    const [app] = first.result.packages as { tree: string }[];
    await rm(join(sample.root, 'trees', app?.tree ?? ''), { recursive: true });
    const planned = await sample.run('plan --json');
    expect(planned.result.phase1).toMatchObject({
      needed: true,
      packages: [{ id: 'app', action: 'prepare' }, { action: 'reuse' }],
    });
    const second = await sample.run('deploy --json');
    expect(second.result).toMatchObject({ ok: true, phase1: 'prepared', release: first.result.release });
    expect(digests(second)).toEqual(digests(first));
    expect((await sample.run('verify --deep --json')).result).toMatchObject({ ok: true, differences: [] });
  });

  test('prestage deploy replaces the hosts whose packages changed, and rollback puts them back', async () => {
    const sample = await sampleProject((config) => {
      const web = config.services.web;
      if (web) web.needs = ['extras', 'app'];
    });
    const first = await sample.run('deploy --json');
    await sample.archive('extras', { 'readme.txt': 'other extras\n', 'data/one.txt': '1\n' });
    const second = await sample.run('deploy --json');
    expect(second.result).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });
    expect(second.result.release).not.toBe(first.result.release);
    const unchanged = second.events
      .filter((event) => event.type === 'host.unchanged')
      .map((event) => 'host' in event && event.host);
    expect(unchanged).toEqual(['api-0', 'api-1']);
    expect(await sample.ask('web')).toMatchObject({ release: second.result.release });

    const back = await sample.run('rollback --json');
    expect(back.result).toMatchObject({ ok: true, release: first.result.release, previous: second.result.release });
    expect(await sample.ask('web')).toMatchObject({ release: first.result.release });
    const none = await sample.run('rollback --json');
    expect(none.result.error).toMatchObject({ code: 'NOTHING_DEPLOYED' });
  });
});
