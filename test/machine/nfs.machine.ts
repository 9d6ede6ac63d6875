import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prestage, type Result, understood } from '../prestage.js';
import { lacks } from '../requirements.js';
import { tarGz } from '../small-archives.js';
import { type Client, Machine } from './machine.js';

/**
 * A store on the NFSv4.1 of Linux' own server, and what its clients make of it: caches, leases, `.nfs…` files, a server that
 * restarts. One machine for all tests, booted once; each test has a store of its own.
 */

const FILES = 300;
/** What a root keeps for a full disk (full-disk.ts), made once. */
const RESERVED_FILES = 128;
const one = tarGz(filesOf('one', FILES));
const sources = {
  'one.tar.gz': one,
  'two.tar.gz': tarGz(filesOf('two', 20)),
  'many.tar.gz': tarGz(filesOf('many', 900)),
};

function filesOf(what: string, count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`d${n % 20}/f${n}`, `${what} ${n}\n`]));
}

const isMissing = lacks('machine');

describe.skipIf(isMissing)("on a kernel's NFS", () => {
  let machine: Machine;
  /** Client b takes over from client c, which dies: a minute of waiting, beside the other tests. */
  let takingOver: ReturnType<typeof run>;
  beforeAll(async () => {
    machine = await Machine.boot(sources);
    takingOver = takeOver();
    takingOver.catch(() => undefined); // seen where it is awaited
  });
  afterAll(() => machine?.off());

  /** A project of a client: the packages `one`, …, of the archives of these names, and a store on NFS. */
  async function project(client: Client, store: string, packages: readonly (keyof typeof sources)[]): Promise<string> {
    const folder = `/root/${client}${store.replaceAll('/', '-')}`;
    const config = configFor(`/mnt/${store}`, (name) => `/opt/${name}`, packages);
    await machine.must('server', `mkdir -p ${folder} && cat >${folder}/prestage.config.json <<'END'\n${config}\nEND`);
    return folder;
  }

  async function run(client: Client, folder: string, line: string) {
    const { status, stdout, stderr, ms } = await machine.run(
      client,
      `cd ${folder} && exec node /opt/prestage/dist/cli.cjs ${line} --json`,
    );
    return { ...understood({ status, signal: null, stdout, stderr }), ms };
  }

  /** Runs it to a good end. */
  async function well(client: Client, folder: string, line: string): Promise<Result & { ms: number }> {
    const { status, result, stderr, ms } = await run(client, folder, line);
    expect({ status, error: result?.error, stderr }).toMatchObject({ status: 0, error: undefined });
    return { ...result, ms };
  }

  /** Operations on a client's mount of the store since it was mounted, by their names. */
  async function operations(client: Client): Promise<Record<string, number>> {
    const text = await machine.must(client, 'cat /proc/self/mountstats');
    const mount = text.split(/^device /m).find((part) => part.includes(' mounted on /mnt/plain '));
    const perOp = mount?.slice(mount.indexOf('per-op statistics')) ?? '';
    return Object.fromEntries(
      [...perOp.matchAll(/^\s*([A-Z_]+): (\d+)/gm)].map(([, name, count]) => [name, Number(count)]),
    );
  }

  /** What a run costs on the network. */
  async function counted<T>(
    client: Client,
    work: () => Promise<T>,
  ): Promise<{ outcome: T; counts: Record<string, number> }> {
    const before = await operations(client);
    const outcome = await work();
    const after = await operations(client);
    const grown = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
    return { outcome, counts: Object.fromEntries(grown.filter(([, count]) => count > 0)) };
  }

  /** The server's own view of a file that is to come. */
  function onServer(path: string): Promise<string> {
    return machine.must(
      'server',
      `for n in {1..6000}; do ls -d /srv/nfs/${path} 2>/dev/null && exit; sleep 0.02; done; exit 1`,
    );
  }

  async function takeOver() {
    const [c, b] = [
      await project('c', 'plain/crash', ['many.tar.gz']),
      await project('b', 'plain/crash', ['many.tar.gz']),
    ];
    await machine.must('c', `(cd ${c} && exec node /opt/prestage/dist/cli.cjs deploy) >/dev/null 2>&1 &`);
    await onServer('plain/crash/.lock');
    // Its network first: what dies with it cannot say good-bye.
    await machine.must('server', 'ip link del to-c && kill -9 $(cat /run/client-c)');
    await machine.must('server', 'ls /srv/nfs/plain/crash/.lock /srv/nfs/plain/crash/deploy.lock');
    return run('b', b, 'deploy --wait');
  }

  test('what one client prepares, another sees though it had looked before; it is what a local disk has', async () => {
    const [a, b] = [
      await project('a', 'plain/first', ['one.tar.gz']),
      await project('b', 'plain/first', ['one.tar.gz']),
    ];
    const local = await onLocalDisk();
    const tree = local.packages[0]?.tree;
    await machine.must('a', 'mkdir -p /mnt/plain/first/releases /mnt/plain/first/trees');
    // Looks that are answered by no, and that a client may remember for a minute.
    await machine.run(
      'b',
      `cd /mnt/plain/first && stat releases/${local.release} trees/${tree} trees/${tree}.mtree current`,
    );
    const { outcome: prepared, counts } = await counted('a', () => well('a', a, 'deploy --prepare-files-only'));
    expect(prepared).toMatchObject({ release: local.release, packages: [{ digest: local.packages[0]?.digest }] });
    expect(await well('b', b, 'deploy --prepare-files-only')).toMatchObject({
      phase1: 'ready',
      packages: [{ reused: true }],
    });
    const verified = await counted('b', () => well('b', b, 'verify'));
    const read = await counted('b', () => well('b', b, 'verify --deep'));
    for (const { outcome } of [verified, read]) expect(outcome).toMatchObject({ differences: [] });
    console.log(`verify of ${FILES} files, and with --deep:`, verified.counts, read.counts);
    // The attributes come with the listings of the folders; each file is opened, read and closed.
    const { LOOKUP: lookUps = 0, GETATTR: attributes = 0 } = verified.counts;
    expect(lookUps + attributes).toBeLessThan(FILES / 2);
    expect(sum(read.counts)).toBeLessThan(3.5 * FILES);
    const total = sum(counts);
    console.log(`a deployment of ${FILES} files: ${total} operations on NFS in ${prepared.ms} ms`, counts);
    // To open, write and close each file; and not a fourth to set the attributes of one that was created exclusively.
    expect(counts.SETATTR).toBeLessThan(FILES / 10);
    // Heartbeats, events, and looks for the result: 350 operations in a minute. Who asked for three files 25 times a second, on a
    // processor that managed five, made 840.
    expect(total - 3 * (FILES + RESERVED_FILES)).toBeLessThan(400 + (2 * prepared.ms) / 1000);
  });

  test("what is open on the client that removes it stays as .nfs…, in nobody's way, and goes the next time", async () => {
    const folder = await project('a', 'plain/open', ['one.tar.gz']);
    const { release } = await well('a', folder, 'deploy --prepare-files-only');
    await machine.must(
      'a',
      `(exec tail -f /mnt/plain/open/releases/${release}/one/d1/f1) >/dev/null 2>&1 & echo $! >/run/tail; sleep 1`,
    );
    await project('a', 'plain/open', ['two.tar.gz']);
    await well('a', folder, 'deploy');
    const hidden = `find /mnt/plain/open -name '.nfs*'`;
    expect(await well('a', folder, 'prune --keep 1 --yes')).toMatchObject({ remove: [{ release }] });
    expect(await machine.must('a', hidden)).toMatch(/\.nfs/);
    await well('a', folder, 'destroy --temporary --yes');
    await project('a', 'plain/open', ['one.tar.gz', 'two.tar.gz']);
    await well('a', folder, 'deploy --prepare-files-only');
    expect(await machine.must('a', hidden)).toMatch(/\.nfs/);
    await machine.must('a', 'kill $(cat /run/tail)');
    await well('a', folder, 'prune --yes');
    expect(await machine.must('a', hidden)).toBe('');
  });

  test('who takes over from a machine that died waits for one lease, not for two', async () => {
    const { status, events, result } = await takingOver;
    expect({ status, error: result?.error }).toEqual({ status: 0, error: undefined });
    const at = (is: (event: (typeof events)[number]) => boolean) => Date.parse(events.find(is)?.time ?? '');
    const began = at((event) => event.type === 'notice' && event.message.startsWith('Waiting for'));
    const [deploying, working, preparing] = (['package.detected', 'worker.started', 'package.started'] as const).map(
      (wanted) => at(({ type }) => type === wanted),
    ) as [number, number, number];
    console.log(
      `taken over after ${(deploying - began) / 1000} s, and the store's lock after ${(preparing - working) / 1000} s`,
    );
    // The lease of the dead command is waited for; that of its worker, which died with it, is over by then.
    expect(deploying - began).toBeGreaterThan(50_000);
    expect(deploying - began).toBeLessThan(110_000);
    expect(preparing - working).toBeLessThan(40_000);
  });

  test('a preparation goes on when the server restarts in the middle of it', async () => {
    const folder = await project('a', 'plain/restart', ['many.tar.gz']);
    const deploying = well('a', folder, 'deploy --prepare-files-only');
    await onServer('plain/restart/.staging/*/*/d1/f1');
    await machine.must('server', 'rpc.nfsd 0 && sleep 5 && rpc.nfsd -N 3 8');
    expect(await deploying).toMatchObject({ phase1: 'prepared' });
    expect(await well('b', await project('b', 'plain/restart', ['many.tar.gz']), 'verify --deep')).toMatchObject({
      differences: [],
    });
  });

  test('everybody is one user, whatever they are: as by an access point', async () => {
    const folder = await project('a', 'squashed/all', ['two.tar.gz']);
    await well('a', folder, 'deploy --prepare-files-only');
    const other = await project('b', 'squashed/all', ['one.tar.gz', 'two.tar.gz']);
    expect(await well('b', other, 'deploy')).toMatchObject({ packages: [{ reused: false }, { reused: true }] });
    expect(await well('a', folder, 'prune --keep 1 --yes')).toMatchObject({ remove: [expect.anything()] });
    expect(await well('b', other, 'verify --deep')).toMatchObject({ differences: [] });
    const owners = await machine.must('server', `find /srv/nfs/squashed/all -printf '%u\n' | sort -u`);
    expect(owners).toBe('7377\n');
  });
});

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

/** What a preparation on a disk of this machine comes to. */
async function onLocalDisk(): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-local-'));
  try {
    writeFileSync(join(folder, 'one.tar.gz'), one);
    writeFileSync(
      join(folder, 'prestage.config.json'),
      configFor('store', (name) => name, ['one.tar.gz']),
    );
    return (await prestage('deploy --prepare-files-only --json', { cwd: folder })).result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configFor(root: string, pathOf: (name: string) => string, packages: readonly string[]): string {
  return JSON.stringify({
    name: 'nfs',
    packages: Object.fromEntries(packages.map((name) => [name.split('.')[0], { source: pathOf(name) }])),
    environments: { local: { target: 'local', root } },
  });
}
