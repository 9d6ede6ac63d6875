import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/core/digest.js';
import { agentKey, hostKeys, jobKey } from '../../src/targets/aws/bucket/layout.js';
import { databaseCertificates } from '../../src/targets/aws/data/certificates.js';
import { renderHostScript } from '../../src/targets/aws/scripts/host.js';
import type { HostInputs } from '../../src/targets/aws/scripts/inputs.js';
import { lacks } from '../requirements.js';
import { until } from '../until.js';
import { SIGNAL_URL, SmallEnvironment } from './small-environment.js';

const hostile = `it's "$(id)" \`id\`\n#\\ ü%&`;
/** Counts its runs, and says what it finds. */
const BOOT = `#!/bin/sh
echo booted >>boots
echo "boot: $PRESTAGE_HOST; $HOSTILE; $PRESTAGE_DATABASE_URL; $(pwd)"
touch /mnt/prestage/it || echo 'the store is read-only'
`;
const SERVES = `#!/bin/sh
echo started >>runs
exec python3 -m http.server "$PRESTAGE_PORT" --bind "$PRESTAGE_HOST"
`;

interface Release {
  release: string;
  scripts?: Record<string, string>;
  lacks?: 'record' | 'link' | 'tree' | 'manifest';
}

/** A release with a package at `opt/it`, as docs/store-format.md has it. */
function makeRelease(root: string, { release, scripts = {}, lacks }: Release): void {
  const folder = join(root, 'releases', release);
  const tree = `it-${release}`;
  mkdirSync(join(folder, 'opt'), { recursive: true });
  mkdirSync(join(root, 'trees', tree), { recursive: true });
  writeFileSync(join(root, 'trees', `${tree}.mtree`), '');
  if (lacks !== 'link') symlinkSync(`../../../trees/${tree}`, join(folder, 'opt/it'));
  if (lacks === 'tree') rmSync(join(root, 'trees', tree), { recursive: true });
  if (lacks === 'manifest') rmSync(join(root, 'trees', `${tree}.mtree`));
  for (const [path, text] of Object.entries(scripts)) {
    const file = join(folder, '.prestage/scripts', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o755 });
  }
  if (lacks !== 'record') writeFileSync(join(folder, 'release.json'), JSON.stringify({ format: 1, release }, null, 2));
}

describe.skipIf(lacks('moto', 'awscli', 'namespaces'))('a host, on a machine', () => {
  let it: SmallEnvironment;
  beforeAll(async () => {
    it = await SmallEnvironment.start();
    mkdirSync(root(), { recursive: true });
    await it.put('neighbours/api-1/it.sh', "export PRESTAGE_DB_HOST='db.internal'\n");
  });
  afterAll(async () => it?.stop());

  const root = () => join(it.guests.fileSystem(it.id('Files')), 'prestage');

  function render(release: string, inputs: Partial<HostInputs>): string {
    return renderHostScript({
      ...it.inputs(),
      ...{ host: 'api-1', service: 'api', index: 1, release, needs: ['opt/it'] },
      ...{
        boot: undefined,
        run: undefined,
        bootUser: 'root',
        user: 'prestage',
        stop: undefined,
        restart: undefined,
        logs: [],
        files: {},
        port: undefined,
        health: undefined,
        database: undefined,
      },
      secrets: {},
      variables: { PRESTAGE_RELEASE: release },
      neighboursKey: 'neighbours/api-1/it.sh',
      signalUrl: SIGNAL_URL,
      notReady: { do: 'fail' },
      ...inputs,
    }).replace('\n', '\nWATCH_PAUSE=1 MOUNT_SECONDS=1\n');
  }

  async function host(
    release: string,
    inputs: Partial<HostInputs>,
    as: 'ReaderProfile' | 'WriterProfile' = 'ReaderProfile',
  ) {
    const stack = await it.host(render(release, inputs), as);
    return { ...stack, ...(await told(stack.instance)) };
  }

  async function told(instance: string) {
    const keys = hostKeys('api-1', instance);
    const state = JSON.parse((await it.get(keys.state)) ?? '{}') as {
      state?: string;
      detail?: string;
      address?: string;
    };
    return { state, log: (await it.get(keys.log)) ?? '' };
  }

  const serves = {
    boot: 'boot.sh',
    run: 'bin/run.sh',
    port: 8080,
    health: { kind: 'http', path: '/', timeoutMs: 30_000 },
    variables: { PRESTAGE_PORT: '8080', HOSTILE: hostile },
  } as const;

  test('boots, runs, becomes healthy and says so; and after a restart runs, and does not boot', async () => {
    makeRelease(root(), { release: 'good', scripts: { 'boot.sh': BOOT, 'bin/run.sh': SERVES } });
    const secret = await it.secret({
      ...{
        username: 'us:er',
        password: `p@/%'"\\$ ü`,
        host: 'db.internal',
        port: 5432,
        dbname: 'portal',
        engine: 'postgres',
      },
    });
    const certificates = databaseCertificates(it.inputs().region);
    for (const { key, content } of Object.values(certificates)) await it.put(key, content);
    const found = await host('good', { ...serves, database: { secret, ...certificates } });
    expect(found).toMatchObject({ status: 'CREATE_COMPLETE', state: { state: 'healthy', release: 'good' } });
    const { address } = found.state;
    const url = `postgres://us%3Aer:${encodeURIComponent(`p@/%'"\\$ ü`).replace("'", '%27')}@db.internal:5432/portal?sslmode=verify-full`;
    expect(found.log).toContain(`boot: ${address}; ${hostile}; ${url}; /var/lib/prestage/work\n`);
    expect(found.log).toContain('the store is read-only\n');
    const guest = it.guests.find(found.instance);
    const count = async (file: string) => Number(await guest?.run(`wc -l </var/lib/prestage/work/${file}`));
    expect([await count('boots'), await count('runs')]).toEqual([1, 1]);
    await until('its log of what it serves', async () =>
      (await told(found.instance)).log.includes('"GET / HTTP/1.1" 200'),
    );

    await it.guests.reboot(found.instance);
    await until('it to run again', async () => (await count('runs')) === 2);
    await until('it to be healthy again', async () => {
      const { log } = await told(found.instance);
      return log.includes('boot.sh has succeeded before; not run again') && log.match(/Z healthy$/gm)?.length === 2;
    });
    expect(await count('boots')).toBe(1);

    await guest?.run('kill -STOP "$(cat /run/prestage/running)"');
    await until('it to be unhealthy', async () => (await told(found.instance)).state.state === 'unhealthy', 60_000);
    await guest?.run('kill -CONT "$(cat /run/prestage/running)"');
    await until('it to recover', async () => (await told(found.instance)).state.state === 'healthy');
  }, 180_000);

  test('reads its secrets at each start, for its scripts alone', async () => {
    const [password, token] = [`correct-horse'"$(id)`, 'tr0ub4dor-and-3'];
    const knows = `#!/bin/sh
echo "\${0##*/} knows $(printf %s "$PASSWORD" | sha256sum) $(printf %s "$TOKEN" | sha256sum)"
`;
    const runs = knows.replace('sh\n', 'sh\necho >>runs\n');
    makeRelease(root(), { release: 'secret', scripts: { 'boot.sh': knows, 'run.sh': `${runs}exec sleep 600\n` } });
    const secrets = {
      PASSWORD: { kind: 'secret', name: await it.secret({ user: 'me', password }), key: 'password' },
      TOKEN: { kind: 'parameter', name: await it.parameter(token) },
    } as const;
    const found = await host('secret', { boot: 'boot.sh', run: 'run.sh', secrets });
    expect(found).toMatchObject({ status: 'CREATE_COMPLETE', state: { state: 'healthy' } });
    const knowledge = `knows ${sha256(password)}  - ${sha256(token)}  -\n`;
    await until('both to have them', async () => {
      const { log } = await told(found.instance);
      return log.includes(`boot.sh ${knowledge}`) && log.includes(`run.sh ${knowledge}`);
    });
    const guest = it.guests.find(found.instance);
    await it.guests.reboot(found.instance);
    await until('it to run again', async () => Number(await guest?.run('wc -l </var/lib/prestage/work/runs')) === 2);
    await until('it to have them again', async () => {
      const { log } = await told(found.instance);
      return log.split(`run.sh ${knowledge}`).length === 3;
    });

    // On the disk that survives a stop they are not, nor in what leaves the machine.
    const written = await guest?.run(`grep -rlF -e '${token}' -e correct-horse /var/lib/prestage /var/log || :`);
    expect(written?.trim()).toBe('');
    const { log, state } = await told(found.instance);
    for (const text of [log, JSON.stringify(state)]) expect(text).not.toMatch(/correct-horse|tr0ub4dor/);
  }, 180_000);

  test('says why it failed where boot does, with the log in the bucket, and boots again at the next start', async () => {
    const boot = '#!/bin/sh\necho booted >>boots\necho "it says why"\n[ "$(wc -l <boots)" = 2 ] || exit 3\n';
    makeRelease(root(), { release: 'unbootable', scripts: { 'boot.sh': boot } });
    const instance = await it.launch(render('unbootable', { boot: 'boot.sh' }), 'ReaderProfile');
    await until('its failure', async () => (await told(instance)).state.state === 'failed');
    await it.guests.reboot(instance);
    await until('its recovery', async () => (await told(instance)).state.state === 'healthy');
    const failing = await host('unbootable', { boot: 'boot.sh' });
    expect(failing.status).toMatch(/^ROLLBACK/);
    expect(failing.reasons).toContain('api-1: its boot script boot.sh failed: exit status 3');
    expect(failing.state).toMatchObject({ state: 'failed', detail: 'its boot script boot.sh failed: exit status 3' });
    expect(failing.log).toContain('it says why\n');
  });

  test('says that its program does not stay, and that it does not answer', async () => {
    makeRelease(root(), { release: 'ends', scripts: { 'run.sh': '#!/bin/sh\nexit 5\n' } });
    const ends = await host('ends', { run: 'run.sh' });
    expect(ends.state).toMatchObject({
      state: 'failed',
      detail: 'its program run.sh ended 5 times, last with exit status 5',
    });
    makeRelease(root(), { release: 'deaf', scripts: { 'run.sh': '#!/bin/sh\nexec sleep 600\n' } });
    const deaf = await host('deaf', { run: 'run.sh', port: 8080, health: { kind: 'tcp', timeoutMs: 2000 } });
    expect(deaf.reasons).toContain('api-1: it did not become healthy within 2 s (no connection to port 8080)');
  });

  test.each([
    ['no release', undefined, 'release lost is not in /mnt/prestage'],
    ['no record', 'record', 'its record release.json cannot be read'],
    ['a package that is not in it', 'link', 'opt/it is no package of it'],
    ['a tree that is gone', 'tree', 'tree it-tree, which is its opt/it, is not there'],
    ['a manifest that is gone', 'manifest', 'tree it-manifest, which is its opt/it, has no manifest'],
  ] as const)('runs nothing and says what is not ready (%s)', async (_, what, reason) => {
    if (what) makeRelease(root(), { release: what, lacks: what });
    const { reasons, state } = await host(what ?? 'lost', { boot: undefined });
    expect(reasons).toContain(what ? `release ${what} is incomplete in /mnt/prestage: ${reason}` : reason);
    expect(state.state).toBe('failed');
  });

  test('says why the store cannot be mounted', async () => {
    const { reasons } = await host('good', it.inputs('Closed'));
    expect(reasons).toContain('does not answer at port 2049');
  });

  test('waits for its files', async () => {
    const limit = await host('never', { notReady: { do: 'wait', waitSeconds: 1 } });
    expect(limit.reasons).toContain('it waited 1 s for the jump host to prepare the files: release never is not in');
    const instance = await it.launch(render('late', { notReady: { do: 'wait', waitSeconds: 60 } }), 'ReaderProfile');
    await until('its waiting', async () => (await told(instance)).state.state === 'waiting');
    makeRelease(root(), { release: 'late' });
    await until('it to be healthy', async () => (await told(instance)).state.state === 'healthy');
  });

  test('prepares its files by the agent, and then cannot write to the store', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prestage-agent-'));
    writeFileSync(
      join(folder, 'agent.js'),
      `const { cpSync, readFileSync, writeFileSync } = require('node:fs');
const job = JSON.parse(readFileSync(process.argv[2] + '/job.json', 'utf8'));
if (job.fails) {
  writeFileSync(process.argv[2] + '/result.json', JSON.stringify({ ok: false, error: { message: 'no such "source"' } }));
  process.exit(1);
}
cpSync('/mnt/prestage/prepared', '/mnt/prestage', { recursive: true, verbatimSymlinks: true });
`,
    );
    const archive = execFileSync('tar', ['-czC', folder, 'agent.js']);
    const agent = sha256(archive);
    await it.put(agentKey(agent), archive);
    const jobOf = async (job: object) => {
      const text = JSON.stringify(job);
      await it.put(jobKey(sha256(text)), text);
      return { do: 'prepare', agent, job: sha256(text) } as const;
    };
    makeRelease(join(root(), 'prepared'), { release: 'made', scripts: { 'boot.sh': BOOT } });
    const notReady = await jobOf({});
    const made = await host('made', { boot: 'boot.sh', notReady, variables: { HOSTILE: '' } }, 'WriterProfile');
    expect(made).toMatchObject({ status: 'CREATE_COMPLETE', state: { state: 'healthy' } });
    expect(made.log).toContain('preparing: release made is not in /mnt/prestage: this host prepares it');
    expect(made.log).toContain('the store is read-only\n');
    expect(readFileSync(join(root(), 'releases/made/release.json'), 'utf8')).toContain('made');

    const failed = await host('unmade', { notReady: await jobOf({ fails: true }) }, 'WriterProfile');
    expect(failed.state.detail).toBe(
      'it could not prepare the files: no such "source"; release unmade is not in /mnt/prestage',
    );
  }, 120_000);
});
