import { readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { temporaryRoot } from '../../test/small-stores.js';
import { livenessOf, thisProcess } from '../core/this-process.js';
import { makeFolder } from './folders.js';
import { acquireLease, inspectLease, type Lease } from './lease.js';
import { beat, type LeaseHolder, removeLease } from './lease-file.js';
import { calls } from './system-calls.js';

let file: string;
let remove: () => Promise<void>;
const leases: Lease[] = [];

beforeEach(async () => {
  const made = await temporaryRoot();
  remove = made.remove;
  file = join(made.root, '.lock');
  await makeFolder(made.root);
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const lease of leases.splice(0)) await lease.release();
  await remove();
});

async function take(run: string, options: Partial<Parameters<typeof acquireLease>[2]> = {}): Promise<Lease> {
  const lease = await acquireLease(file, { run, purpose: 'prepare' }, { wait: false, ...options });
  leases.push(lease);
  return lease;
}

const elsewhere = { host: 'ip-10-0-0-7', machine: 'another machine', pid: 1 };
const long = (ms: number) => new Date(Date.now() - ms).toISOString();

async function writeLock(holder: Partial<LeaseHolder>, name = file): Promise<void> {
  const now = new Date().toISOString();
  const defaults = { lease: 'x', run: 'old', purpose: 'prepare', startedAt: now, heartbeatAt: now, leaseMs: 60_000 };
  await writeFile(name, JSON.stringify({ ...thisProcess(), ...defaults, ...holder }));
}

const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason));
  });

/** Resolves when the lock file says something other than now. */
async function nextBeat(): Promise<void> {
  const before = await readFile(file, 'utf8');
  await vi.waitUntil(async () => (await readFile(file, 'utf8')) !== before, { timeout: 20_000, interval: 10 });
}

describe('a lock', () => {
  test('that is held is refused, with who holds it, since when, where, and what to do', async () => {
    await take('first');
    const error = await take('second').catch((error: unknown) => error);
    expect(error).toMatchObject({
      code: 'LOCKED',
      exitStatus: 4,
      message: expect.stringMatching(/Run first \(prepare\) holds it since 20\d\d-.*, as process \d+ on /),
      hint: expect.stringContaining('--wait'),
      context: { run: 'first', path: file },
    });
  });

  test('is free again after its release, and no file is left', async () => {
    await (await take('first')).release();
    expect(await inspectLease(file)).toBeUndefined();
    expect(await readdir(dirname(file))).toEqual([]);
    await take('second');
    expect(await inspectLease(file)).toMatchObject({ alive: true, holder: { run: 'second', purpose: 'prepare' } });
  });

  test('of many who want it at once goes to one of them after the other', async () => {
    let inside = 0;
    const turns = Array.from({ length: 8 }, async (_, index) => {
      const lease = await take(`run-${index}`, { wait: true });
      inside += 1;
      expect(inside).toBe(1);
      await inspectLease(file);
      inside -= 1;
      await lease.release();
    });
    await Promise.all(turns);
    expect(await readdir(dirname(file))).toEqual([]);
  });

  test('is waited for until it is released, and the holder is told of once', async () => {
    const first = await take('first');
    const told: (string | undefined)[] = [];
    const second = take('second', { wait: true, onWait: (holder) => told.push(holder?.run) });
    await vi.waitUntil(() => told.length > 0, { timeout: 10_000 });
    await first.release();
    expect((await second).holder.run).toBe('second');
    expect(told).toEqual(['first']);
  });

  test('is not waited for any longer when the signal aborts', async () => {
    await take('first');
    const abort = new AbortController();
    const reason = new Error('interrupted');
    const waiting = take('second', { wait: true, signal: abort.signal, onWait: () => abort.abort(reason) });
    await expect(waiting).rejects.toBe(reason);
  });

  test('of a process that is gone is taken at once', async () => {
    await writeLock({ pid: 2 ** 22 + 1 });
    expect(await inspectLease(file)).toMatchObject({ alive: false });
    expect((await take('next')).holder.run).toBe('next');
  });

  test('of a process whose id another process has now is taken at once', async () => {
    await writeLock({ pidStartedAt: '1' });
    expect(await inspectLease(file)).toMatchObject({ alive: false });
    await take('next');
  });

  test('of a process that lives is not taken, however old its heartbeat: the machine may have slept', async () => {
    await writeLock({ heartbeatAt: long(86_400_000) });
    expect(await inspectLease(file)).toMatchObject({ alive: true });
    await expect(take('next')).rejects.toMatchObject({ code: 'LOCKED' });
  });

  test('of another machine is not taken while its heartbeat is recent', async () => {
    await writeLock({ ...elsewhere, heartbeatAt: long(120_000) });
    expect(await inspectLease(file)).toMatchObject({ alive: true });
    await expect(take('next')).rejects.toMatchObject({ code: 'LOCKED', context: { host: 'ip-10-0-0-7' } });
  });

  test('of another machine is taken without waiting when it has been silent for several leases', async () => {
    await writeLock({ ...elsewhere, heartbeatAt: long(240_000) });
    expect(await inspectLease(file)).toMatchObject({ alive: false });
    await take('next');
  });

  test('of another machine is taken when it does not change while we watch, whatever its clock says', async () => {
    await writeLock({ ...elsewhere, heartbeatAt: '2099-01-01T00:00:00.000Z', leaseMs: 400 });
    expect((await take('next', { wait: true })).holder.run).toBe('next');
  });

  test('that fell silent together with another is waited for together with it', async () => {
    const beside = `${file}-2`;
    const leaseMs = 1500;
    for (const name of [file, beside]) await writeLock({ ...elsewhere, leaseMs, run: name }, name);
    const started = performance.now();
    const waiting = take('next', { wait: true, beside: [beside] });
    await sleep(400);
    await writeLock({ ...elsewhere, leaseMs, run: 'its last heartbeat' }, beside);
    await waiting;
    expect(await inspectLease(beside)).toBeUndefined();
    expect(performance.now() - started).toBeGreaterThan(leaseMs + 400);
    expect(performance.now() - started).toBeLessThan(2 * leaseMs);
  });

  test('is taken, and one beside it whose holder lives is not', async () => {
    const beside = `${file}-2`;
    const other = await acquireLease(beside, { run: 'alive', purpose: 'prepare' }, { wait: false, leaseMs: 1200 });
    leases.push(other);
    await writeLock({ ...elsewhere, leaseMs: 2400 });
    await take('next', { wait: true, beside: [beside] });
    await other.confirm();
    expect(await inspectLease(beside)).toMatchObject({ holder: { run: 'alive' } });
  });

  test.each(['', '{"run":', 'not a lock', '[]'])('that says %j is never taken without waiting', async (text) => {
    await writeFile(file, text);
    await expect(take('next')).rejects.toMatchObject({ code: 'LOCKED', hint: expect.stringContaining('--wait') });
    expect(await readFile(file, 'utf8')).toBe(text);
    expect(await inspectLease(file)).toBeUndefined();
  });

  test('is taken by creating it where a file system has no hard links', async () => {
    vi.spyOn(calls, 'link').mockRejectedValue(
      Object.assign(new Error('no links'), { code: 'ENOTSUP', syscall: 'link' }),
    );
    const first = await take('first');
    await expect(take('second')).rejects.toMatchObject({ code: 'LOCKED' });
    await first.release();
    expect(await readdir(dirname(file))).toEqual([]);
  });

  test('is ours where link(2) was carried out and a repeated request then found it there', async () => {
    const link = calls.link;
    vi.spyOn(calls, 'link').mockImplementation(async (from, to) => {
      await link(from, to);
      throw Object.assign(new Error('EEXIST'), { code: 'EEXIST', syscall: 'link' });
    });
    expect((await take('first')).holder.run).toBe('first');
  });
});

describe('a heartbeat', () => {
  test('changes the time in the file, and nothing else', async () => {
    const { holder } = await take('first', { leaseMs: 600 });
    await nextBeat();
    const after = JSON.parse(await readFile(file, 'utf8'));
    expect(after).toEqual({ ...holder, heartbeatAt: expect.not.stringMatching(holder.heartbeatAt) });
  });

  test('finds that another has taken over, and says so', async () => {
    const lease = await take('first', { leaseMs: 600 });
    await writeLock({ lease: 'another', run: 'thief' });
    expect(await aborted(lease.lost)).toMatchObject({ code: 'LEASE_LOST', context: { run: 'first' } });
    await lease.release();
    expect(await inspectLease(file)).toMatchObject({ holder: { run: 'thief' } });
  });

  test('finds that the lock was removed, and says so', async () => {
    const lease = await take('first', { leaseMs: 600 });
    await unlink(file);
    expect(await aborted(lease.lost)).toMatchObject({ code: 'LEASE_LOST' });
  });

  test('survives that someone moves the lock aside, looks at it, and puts it back', async () => {
    const lease = await take('first', { leaseMs: 6000 });
    await rename(file, `${file}.aside`);
    expect(await beat(file, lease.holder)).toBe('missing');
    await rename(`${file}.aside`, file);
    expect(await beat(file, lease.holder)).toBe('held');
    await nextBeat();
    expect(lease.lost.aborted).toBe(false);
  });

  test('does not keep a process alive, and ends with the release', async () => {
    const lease = await take('first', { leaseMs: 600 });
    await lease.release();
    await rm(file, { force: true });
    await writeLock({ run: 'next' });
    const before = await readFile(file, 'utf8');
    await lease.release();
    expect(await readFile(file, 'utf8')).toBe(before);
  });
});

describe('a look at the lock before the next heartbeat', () => {
  test('finds it held, also where it was only moved aside for a moment', async () => {
    const lease = await take('first', { leaseMs: 60_000 });
    await lease.confirm();
    await rename(file, `${file}.aside`);
    const confirming = lease.confirm();
    await sleep(50);
    await rename(`${file}.aside`, file);
    await confirming;
    expect(lease.lost.aborted).toBe(false);
  });

  test.each([
    ['deleted', () => unlink(file)],
    ['taken by another', () => writeLock({ lease: 'another' })],
  ])('finds it %s, with why it was looked for', async (_, lose) => {
    const lease = await take('first', { leaseMs: 6000 });
    await lose();
    const cause = new Error('gone');
    await expect(lease.confirm(cause)).rejects.toMatchObject({ code: 'LEASE_LOST', cause });
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_LOST' });
    await expect(lease.confirm()).rejects.toBe(lease.lost.reason);
  });
});

test('a lock that was taken by another between look and move goes back to where it was', async () => {
  await writeLock({ run: 'new' });
  const text = await readFile(file, 'utf8');
  let looks = 0;
  const removed = await removeLease(file, () => {
    looks += 1;
    return looks === 1;
  });
  expect(removed).toBe(false);
  expect(await readFile(file, 'utf8')).toBe(text);
  expect(await readdir(dirname(file))).toEqual(['.lock']);
});

describe('a process', () => {
  test('is known to run, to be gone, or not known, on another machine', () => {
    const record = thisProcess();
    expect(livenessOf(record)).toBe('running');
    expect(livenessOf({ ...record, pidStartedAt: '1' })).toBe('gone');
    expect(livenessOf({ ...record, pid: 2 ** 22 + 1 })).toBe('gone');
    expect(livenessOf({ ...record, machine: 'another' })).toBe('unknown');
  });
});
