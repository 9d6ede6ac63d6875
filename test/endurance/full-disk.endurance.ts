import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lacks } from '../requirements.js';
import { type Sample, sampleProject } from '../sample-project.js';

let empty = 0;

/** Writes until no byte and no inode is left, into a folder that is none of Prestage's. */
function fill(disk: string): void {
  const folder = join(disk, 'filler');
  mkdirSync(folder, { recursive: true });
  const untilRefused = (write: () => void) => {
    try {
      for (;;) write();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  };
  for (const bytes of [64 * 1024, 4096, 1])
    untilRefused(() => appendFileSync(join(folder, 'zeros'), Buffer.alloc(bytes)));
  untilRefused(() => {
    empty += 1;
    writeFileSync(join(folder, `empty-${empty}`), '', { flag: 'wx' });
  });
  const { bavail, ffree } = statfsSync(disk);
  expect([bavail, ffree]).toEqual([0, 0]);
}

describe.skipIf(lacks('tmpfs'))('on a disk without a byte and without an inode', () => {
  let disk: string;
  let sample: Sample;
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), 'prestage-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,nr_inodes=2500', 'prestage-full', disk]);
    sample = await sampleProject((config) => {
      config.services = { api: { run: 'run.sh' } };
      config.environments = { local: { target: 'local', root: join(disk, 'root') } };
    });
    await sample.write('run.sh', '#!/bin/sh\nexec sleep 600\n', 0o755);
    await sample.save();
  });
  afterEach(async () => {
    rmSync(join(disk, 'filler'), { recursive: true, force: true });
    await sample.run('destroy --purge --yes');
    execFileSync('umount', ['-l', disk]);
    await rm(disk, { recursive: true });
  });

  const run = async (line: string) => {
    const done = await sample.run(line);
    expect(done.stderr + done.stdout).not.toMatch(/node:internal|at .*\.js:\d+/);
    return done;
  };
  const deployed = async (line = 'deploy --json') => {
    const { status, result, stderr } = await run(line);
    expect(status, JSON.stringify(result.error) + stderr).toBe(0);
    return result.release;
  };

  test('prune, rollback, destroy and destroy --purge work, and say what they freed', async () => {
    const first = await deployed();
    await sample.archive('extras', { 'readme.txt': 'x'.repeat(2_000_000) });
    const second = await deployed();
    await sample.archive('extras', { 'readme.txt': 'y'.repeat(2_000_000) });
    await deployed();

    fill(disk);
    const back = await run('rollback --json');
    expect(back.result, back.stderr).toMatchObject({ ok: true, release: second });
    expect(back.events).toContainEqual({
      type: 'notice',
      time: expect.any(String),
      message: expect.stringMatching(/^The disk was full\. .* [KMG]?i?B were freed; .* are free now\.$/),
    });
    // It frees nothing, and says what could.
    expect(back.events).toContainEqual(
      expect.objectContaining({ type: 'warning', hint: expect.stringMatching(/`(npx )?prestage prune --keep 1`/) }),
    );
    expect((await run('status --json')).result).toMatchObject({ release: second, hosts: [{ state: 'healthy' }] });

    fill(disk);
    const pruned = await run('prune --keep 1 --yes --json');
    expect(pruned.result, pruned.stderr).toMatchObject({
      ok: true,
      remove: expect.arrayContaining([expect.objectContaining({ release: first })]),
    });
    expect(readdirSync(join(disk, 'root/releases'))).toEqual([second]);

    fill(disk);
    const destroyed = await run('destroy --yes --json');
    expect(destroyed.result, destroyed.stderr).toMatchObject({ ok: true });
    expect(existsSync(join(disk, 'root/hosts'))).toBe(false);

    fill(disk);
    const purged = await run('destroy --purge --yes --json');
    expect(purged.result, purged.stderr).toMatchObject({ ok: true });
    expect(readdirSync(disk)).toEqual(['filler']);
  });

  test('doctor says that it is full, and nothing else of it; logs, status and plan work', async () => {
    await deployed();
    fill(disk);
    const { result } = await run('doctor --json');
    const checks = (result as unknown as { checks: { check: string; state: string; found: string; remedy?: string }[] })
      .checks;
    const of = (name: string) => checks.find(({ check }) => check === name);
    expect(of('space')).toMatchObject({
      state: 'failed',
      found: expect.stringMatching(/is full: 0 B and room for 0 files are free/),
    });
    expect(of('file system')).toMatchObject({ state: 'skipped' });
    expect(JSON.stringify(checks)).not.toMatch(/noexec|0\.0 GiB/);
    for (const line of ['logs', 'status', 'releases', 'verify', 'prune --dry-run'])
      expect((await run(line)).status).toBe(0);
  });

  test('deploy says that the disk is full where a boot script fills it', async () => {
    sample.config.services = { api: { boot: 'boot.sh', run: 'run.sh' } };
    await sample.save();
    await sample.write('boot.sh', '#!/bin/sh\necho filling\ncat /dev/zero > zeros || exit 9\n', 0o755);
    const { status, result, stderr } = await run('deploy --json');
    expect(status, stderr).toBe(1);
    expect(result.error).toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(
        /its boot script boot\.sh failed: exit status 9\. It said last: cat: .*[.!?] The disk of .* is full\./,
      ),
      hint: expect.stringMatching(/`(npx )?prestage destroy`/),
    });
    expect((await run('destroy --yes --json')).result).toMatchObject({ ok: true });
    expect(statfsSync(disk).bavail * statfsSync(disk).bsize).toBeGreaterThan(10_000_000);
  });
});
