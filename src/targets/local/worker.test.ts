import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LocalTargetKit, openLocalTargetKit } from '../../../test/local-target.js';
import { lacks } from '../../../test/requirements.js';
import type { PrestageEvent } from '../../core/events.js';
import { acquireLease, newRunId, storePaths } from '../../store/index.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit({ agent: true });
});
afterEach(() => kit.close());

const logLines = async (source: string) => {
  const lines: string[] = [];
  await kit.target.logs(source, {
    follow: false,
    wait: false,
    signal: new AbortController().signal,
    emit: (event) => event.type === 'log' && lines.push(event.line),
  });
  return lines;
};

describe('phase 1 on the local target', () => {
  test('a worker prepares the release, and its events arrive', async () => {
    const job = await kit.job({ packages: { server: '1', themes: '2' } });
    expect((await kit.target.look().lookUp(job.plan)).release).toBeUndefined();
    await kit.target.prepare(job, kit.follow());
    const { release, trees } = await kit.target.look().lookUp(job.plan);
    expect(release?.release).toBe(job.plan.release);
    expect([...trees].sort()).toEqual(job.plan.packages.map(({ tree }) => tree).sort());
    expect(kit.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['worker.started', 'release.published', 'worker.finished']),
    );
    expect((await kit.target.verify({ deep: true }, kit.follow())).differences).toEqual([]);
    expect((await logLines('worker')).join('\n')).toMatch(/package\.published package=server/);
  });

  test('following it can be given up while it works; the same call then attaches to it', async () => {
    const job = await kit.job({ packages: { server: '1' } });
    // Another preparer's lock keeps the worker at work for as long as this test needs it to be.
    const lock = await acquireLease(
      storePaths(kit.root).lock,
      { run: newRunId(), purpose: 'prepare' },
      { wait: false },
    );
    const cut = new AbortController();
    const first = kit.target.prepare(job, {
      ...kit.follow(),
      wait: true,
      signal: cut.signal,
      emit: ({ type }) => type === 'worker.started' && cut.abort(new Error('closed')),
    });
    await expect(first).rejects.toThrow('closed');
    const events: PrestageEvent[] = [];
    await kit.target.prepare(job, {
      ...kit.follow(),
      emit: (event) => {
        events.push(event);
        if (event.type === 'worker.attached') void lock.release();
      },
    });
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['worker.attached', 'worker.started', 'release.published', 'worker.finished']),
    );
    expect((await kit.target.look().lookUp(job.plan)).release?.release).toBe(job.plan.release);
  });

  test('what a worker fails with is thrown as its own error', async () => {
    const job = await kit.job({ packages: { server: '1' } });
    for (const input of Object.values(job.inputs)) if (input.kind === 'file') input.path += '.missing';
    await expect(kit.target.prepare(job, kit.follow())).rejects.toMatchObject({
      name: 'PrestageError',
      context: { path: expect.stringContaining('.missing') },
    });
    expect(existsSync(join(kit.root, 'releases', job.plan.release))).toBe(false);
  });

  test('of runs that ended only the last five are kept', async () => {
    for (let day = 1; day <= 7; day++)
      await mkdir(join(kit.root, 'runs', `2020010${day}T000000Z-0123456789ab`), { recursive: true });
    await kit.target.prepare(await kit.job({ packages: { server: '1' } }), kit.follow());
    expect(readdirSync(join(kit.root, 'runs')).map((run) => run.slice(0, 8))).toEqual([
      '20200104',
      '20200105',
      '20200106',
      '20200107',
      expect.not.stringMatching(/^2020/),
    ]);
    expect((await kit.target.look().status()).temporary).toEqual([]);
  });

  test.skipIf(lacks('root'))('an old run of which a file is in use stays, in nobody’s way', async () => {
    const runs = Array.from({ length: 7 }, (_, day) => join(kit.root, `runs/2020010${day + 1}T000000Z-0123456789ab`));
    for (const run of runs) await mkdir(run, { recursive: true });
    const log = join(runs[0] ?? '', 'agent.log');
    await writeFile(log, '');
    execFileSync('mount', ['--bind', log, log]);
    try {
      await kit.target.prepare(await kit.job({ packages: { server: '1' } }), kit.follow());
      expect(runs.map((run) => existsSync(run))).toEqual([true, false, false, true, true, true, true]);
    } finally {
      execFileSync('umount', [log]);
    }
  });
});

describe('logs', () => {
  test('of something that is not there names what is', async () => {
    await expect(logLines('nothing')).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('database'),
    });
  });
});
