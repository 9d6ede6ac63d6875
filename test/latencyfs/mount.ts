import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fuseProgram } from '../fuse-program.js';

export interface LatencyOptions {
  /** The round trip of every operation in microseconds. */
  rttUs?: number;
  /** Which operations fail, by the names in latencyfs.c, with which errno, from which one on, and how many. */
  fail?: { op: string; errno: number; after: number; count: number };
  /** Whether inode numbers are as large as those of EFS, so that two of them may be the same as doubles. */
  farInodes?: boolean;
}

export interface Mounted {
  /** The folder that is slow and fails. */
  folder: string;
  /** The same files, without that. */
  backing: string;
  /** Ends it. @returns how many operations of each kind were served */
  unmount(): Promise<Map<string, number>>;
}

/** Mounts latencyfs over a folder: what a network file system costs, and how it fails, on this machine. */
export async function mountLatency(backing: string, options: LatencyOptions = {}): Promise<Mounted> {
  const program = fuseProgram(new URL('latencyfs.c', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'latencyfs-mount-'));
  const counts = `${folder}.counts`;
  await mkdir(backing, { recursive: true });
  const { fail, farInodes = false, rttUs = 1000 } = options;
  const settings = [`rtt_us=${rttUs}`, `counts=${counts}`];
  if (fail)
    settings.push(
      `fail_op=${fail.op}`,
      `fail_errno=${fail.errno}`,
      `fail_after=${fail.after}`,
      `fail_count=${fail.count}`,
    );
  if (farInodes) settings.push('far_ino=1');
  const server = spawn(program, [backing, folder, '-f', '-o', settings.join(',')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(server, 'close');
  while (!(await isMounted(folder))) {
    if (server.exitCode !== null) throw new Error(`latencyfs did not start`);
    await sleep(5);
  }
  return {
    folder,
    backing,
    async unmount() {
      await promisify(execFile)('fusermount3', ['-u', '-z', folder]);
      await ended;
      const lines = (await readFile(counts, 'utf8').catch(() => '')).trim().split('\n');
      await rm(folder, { recursive: true, force: true });
      await rm(counts, { force: true });
      return new Map(lines.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
    },
  };
}

async function isMounted(folder: string): Promise<boolean> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${folder} `);
}
