import { appendFile, chmod, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Sample, sampleProject } from '../sample-project.js';
import { until } from '../until.js';

const filesOnly = (config: Sample['config']) => {
  config.services = {};
};

async function changeExtras(sample: Sample, text: string): Promise<void> {
  await sample.archive('extras', { 'readme.txt': text, 'data/one.txt': '1\n' });
}

describe('prestage verify', () => {
  test('prestage verify --json exits 3 and names each difference', async () => {
    const sample = await sampleProject(filesOnly);
    const { result } = await sample.run('deploy --json');
    const tree = (id: string) => join(sample.root, 'trees', result.packages.find((item) => item.id === id)?.tree ?? '');
    expect((await sample.run('verify --json')).result).toMatchObject({ ok: true, differences: [] });

    await appendFile(join(tree('app'), 'bin/run.sh'), 'tampered\n');
    await chmod(join(tree('extras'), 'data/one.txt'), 0o600);
    await rm(join(tree('extras'), 'readme.txt'));
    const shallow = await sample.run('verify --json');
    expect(shallow.status).toBe(3);
    expect(shallow.result.ok).toBe(false);
    expect(shallow.result.differences).toMatchObject([
      {
        package: 'app',
        path: 'bin/run.sh',
        kind: 'size',
        tree: basename(tree('app')),
        releases: [result.release],
        file: join(tree('app'), 'bin/run.sh'),
      },
      { package: 'extras', path: 'data/one.txt', kind: 'mode' },
      { package: 'extras', path: 'readme.txt', kind: 'missing' },
    ]);
    const told = await sample.run('verify');
    const first = told.stdout.split('\n')[1]?.split(/ +/);
    expect(first?.slice(0, 4)).toEqual([
      basename(tree('app')),
      result.release,
      'size',
      join(tree('app'), 'bin/run.sh'),
    ]);
    expect(told.stderr).toContain('--repair');
  });

  test('prestage verify --repair prepares again what differs, and keeps what was wrong until the next prune', async () => {
    const sample = await sampleProject(filesOnly);
    const { result } = await sample.run('deploy --json');
    const { release, packages } = result;
    const tree = packages.find(({ id }) => id === 'app')?.tree ?? '';
    const inRelease = (path: string) => join(sample.root, 'releases', release, path);
    await writeFile(inRelease('opt/app/bin/run.sh'), 'tampered\n');
    await writeFile(inRelease('more.txt'), 'mine\n');
    await rm(join(sample.root, 'trees', packages.find(({ id }) => id === 'extras')?.tree ?? '', 'readme.txt'));

    const repaired = await sample.run('verify --deep --repair --json');
    expect(repaired.status).toBe(0);
    expect(repaired.result).toMatchObject({ ok: true, differences: [] });
    expect(repaired.result.repaired.sort()).toEqual([...packages.map((item) => item.tree), release].sort());
    expect(repaired.events.filter(({ type }) => type === 'package.published')).toHaveLength(2);
    expect(await readFile(inRelease('opt/app/bin/run.sh'), 'utf8')).toBe('#!/bin/sh\necho hello\n');
    expect((await sample.run('status --json')).result.release).toBe(release);

    const aside = join(sample.root, '.aside');
    const kept = (await readdir(join(aside, 'trees'))).find((name) => name.startsWith(`${tree}.tmp-`)) ?? '';
    expect(await readFile(join(aside, 'trees', kept, 'bin/run.sh'), 'utf8')).toBe('tampered\n');
    expect((await sample.run('verify --repair --json')).result).toMatchObject({ ok: true, repaired: [] });
    const dry = await sample.run('prune --dry-run');
    expect(dry.stdout).toMatch(new RegExp(`remove +\\.aside/trees/${kept} +\\d+ B, was wrong and was moved aside`));
    expect(dry.stdout).toContain('.aside/releases/');
    expect((await sample.run('prune')).status).toBe(2); // it would ask
    expect((await sample.run('prune --yes')).stderr).toMatch(/[0-9]+ things moved aside/);
    expect(await readdir(sample.root)).not.toContain('.aside');
  });

  test('prestage verify --repair prepares again what another configuration describes, where it has all inputs still', async () => {
    const sample = await sampleProject(filesOnly);
    const { result } = await sample.run('deploy --json');
    const tree = result.packages.find(({ id }) => id === 'app')?.tree;
    const path = join(sample.root, 'releases', result.release, 'opt/app/bin/run.sh');
    await appendFile(path, 'tampered\n');
    sample.config.packages.app = { source: 'files/app.tar.gz', extract: { strip: 1 }, destination: 'opt/app' };
    sample.config.packages.other = { source: 'patches' };
    await sample.save();
    expect((await sample.run('verify --repair')).status).toBe(3); // its patch is not in the configuration
    sample.config.packages.app.steps = [{ patch: 'patches/10-color.patch' }];
    await sample.save();
    const repaired = await sample.run('verify --deep --repair --json');
    expect(repaired.result).toMatchObject({ ok: true, differences: [], repaired: [tree], unrepaired: [] });
    expect(await readFile(path, 'utf8')).toBe('#!/bin/sh\necho hello\n');
  });

  test('prestage verify --repair says what a package was made of where the configuration has moved on, and the ways out', async () => {
    const sample = await sampleProject(filesOnly);
    const { result } = await sample.run('deploy --json');
    const lock = JSON.parse(await readFile(join(sample.folder, 'prestage.lock'), 'utf8'));
    const { sha256 } = lock.sources['files/extras.tar.gz'];
    await changeExtras(sample, 'changed\n');
    await appendFile(join(sample.root, 'releases', result.release, 'extras/readme.txt'), 'tampered\n');
    const repaired = await sample.run('verify --repair --json --env local');
    const tree = result.packages.find(({ id }) => id === 'extras')?.tree;
    expect(repaired.status).toBe(3);
    expect(repaired.result).toMatchObject({
      differences: [{ releases: [result.release] }],
      repaired: [],
      unrepaired: [{ tree, releases: [result.release], missing: { name: 'extras.tar.gz', sha256 } }],
    });
    const { hint } = repaired.result.error;
    expect(hint).toContain(`${tree} of release ${result.release} cannot be prepared again`);
    expect(hint).toContain(`git log -S ${sha256} -- prestage.lock`);
    // As it was called.
    expect(hint).toMatch(/prestage deploy --env local`/);

    await sample.run('deploy');
    expect((await sample.run('prune --keep 1 --yes')).status).toBe(0);
    expect((await sample.run('verify --json')).result).toMatchObject({ ok: true, differences: [] });
  });

  test('prestage verify --deep finds a change that kept size and mode', async () => {
    const sample = await sampleProject(filesOnly);
    const { result } = await sample.run('deploy --json');
    const path = join(sample.root, 'releases', result.release, 'opt/app/bin/run.sh');
    await writeFile(path, '#!/bin/sh\necho HELLO\n');
    expect((await sample.run('verify --json')).status).toBe(0);
    const deep = await sample.run('verify --deep --json');
    expect(deep.status).toBe(3);
    expect(deep.result.differences).toMatchObject([{ package: 'app', path: 'bin/run.sh', kind: 'digest' }]);
  });
});

describe('releases and prune', () => {
  test('prestage prune --keep 1 --dry-run, then prestage prune --keep 1 --yes', async () => {
    const sample = await sampleProject(filesOnly);
    const ids: string[] = [];
    for (const text of ['one\n', 'two\n', 'three\n']) {
      await changeExtras(sample, text);
      ids.push((await sample.run('deploy --json')).result.release);
    }
    const releases = (await sample.run('releases --json')).result as unknown as {
      current: string;
      releases: { release: string }[];
    };
    expect(releases.releases.map((item) => item.release)).toEqual(ids);
    expect(releases.current).toBe(ids[2]);
    expect(await readlink(join(sample.root, 'current'))).toBe(`releases/${ids[2]}`);

    const dry = await sample.run('prune --keep 1 --dry-run --json');
    expect(dry.result).toMatchObject({ ok: true, dryRun: true, remove: [{ release: ids[0] }, { release: ids[1] }] });
    expect(await readdir(join(sample.root, 'releases'))).toHaveLength(3);
    const asked = await sample.run('prune --keep 1 --json');
    expect(asked.status).toBe(2);
    expect(asked.result.error.code).toBe('CONFIRMATION_REQUIRED');

    expect((await sample.run('prune --keep 1 --yes --json')).status).toBe(0);
    expect(await readdir(join(sample.root, 'releases'))).toEqual([ids[2]]);
    expect(await readdir(join(sample.root, 'trees'))).toHaveLength(4); // two trees and their manifests
    expect((await sample.run('verify --deep --json')).status).toBe(0);
    expect((await sample.run('deploy --json')).result).toMatchObject({ phase1: 'ready', phase2: 'unchanged' });
  });
});

describe('hosts', () => {
  test('a host that does not become healthy fails the deployment with its log, and the others go back', async () => {
    const sample = await sampleProject();
    const good = (await sample.run('deploy --json')).result.release;
    const server = await readFile(join(sample.folder, 'hosts/server.mjs'), 'utf8');
    await sample.write(
      'hosts/server.mjs',
      server.replace(
        'createServer(',
        "if (PRESTAGE_SERVICE === 'web') { console.log('no licence found'); process.exit(9); }\ncreateServer(",
      ),
      0o755,
    );
    const bad = await sample.run('deploy --json');
    expect(bad.status).toBe(1);
    expect(bad.result.error).toMatchObject({ code: 'HOST_FAILED', context: { service: 'web' } });
    expect(JSON.stringify(bad.result.error)).toContain('no licence found');
    expect(bad.events.filter((event) => event.type === 'host.reverting').length).toBeGreaterThan(0);
    const status = await sample.run('status --json');
    expect(status.result.release).toBe(good);
    expect(status.result.hosts.map((host) => `${host.state} ${host.release}`)).toEqual(
      Array(4).fill(`healthy ${good}`),
    );
    expect(await sample.ask('web')).toMatchObject({ release: good });
  });

  test('prestage deploy starts a host again that was killed, and nothing else', async () => {
    const sample = await sampleProject();
    await sample.run('deploy --json');
    const before = (await sample.run('status --json')).result.hosts;
    expect(before.every((host) => host.state === 'healthy')).toBe(true);
    const state = JSON.parse(await readFile(join(sample.root, 'hosts/web-0/state.json'), 'utf8')) as Record<
      'supervisor' | 'child',
      { pid: number }
    >;
    process.kill(state.supervisor.pid, 'SIGKILL');
    process.kill(state.child.pid, 'SIGKILL');
    await until('the host to be seen dead', async () =>
      (await sample.run('status --json')).result.hosts.some((host) => host.state !== 'healthy'),
    );
    const again = await sample.run('deploy --json');
    expect(again.result).toMatchObject({ ok: true, phase1: 'ready', phase2: 'applied' });
    expect(again.events.filter((event) => event.type === 'host.healthy')).toMatchObject([{ host: 'web-0' }]);
  });

  test('prestage logs web', async () => {
    const sample = await sampleProject();
    await sample.run('deploy');
    const logs = await sample.run('logs web');
    expect(logs.stdout).toContain('listening on');
    expect((await sample.run('logs jump')).stdout).toContain('jump on');
    expect((await sample.run('logs nobody')).status).toBe(2);
    expect((await sample.run('logs web --tail 1')).stdout).toBe(
      `web-0 | listening on ${sample.config.services.web?.port}\n`,
    );
    expect((await sample.run('logs web -Since 1h')).stdout).toContain('listening on');
    expect((await sample.run('logs --since 2100-01-01T00:00Z')).stdout).toBe('');
    const wrong = await sample.run('logs --since yesterday');
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/It must be a duration \(90s,\s+15m, 2h, 3d\) or a time/),
    ]);
  });

  test('prestage destroy keeps the store; prestage destroy --purge keeps nothing', async () => {
    const sample = await sampleProject();
    const { result } = await sample.run('deploy --json');
    expect((await sample.run('destroy --json')).result.error.code).toBe('CONFIRMATION_REQUIRED');
    expect((await sample.run('destroy --yes --json')).status).toBe(0);
    await expect(sample.ask('web')).rejects.toThrow();
    expect((await sample.run('deploy --json')).result).toMatchObject({
      phase1: 'ready',
      phase2: 'applied',
      release: result.release,
    });
    expect((await sample.run('destroy --purge --yes')).status).toBe(0);
    expect(await readdir(sample.root).catch(() => [])).toEqual([]);
  });
});
