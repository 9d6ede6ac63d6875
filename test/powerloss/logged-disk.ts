import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fuseProgram } from '../fuse-program.js';

const run = promisify(execFile);

export type FileSystem = keyof typeof FILE_SYSTEMS;

/**
 * How each is made, as small as it can be, and mounted: what is written behind our back comes every second, so that a
 * moment in which names are on the disk and their contents are not is easy to meet.
 */
const FILE_SYSTEMS = {
  ext4: {
    mebibytes: 64,
    make: ['mkfs.ext4', '-q', '-F', '-b4096', '-Elazy_itable_init=0,nodiscard'],
    mount: 'commit=1',
  },
  xfs: { mebibytes: 300, make: ['mkfs.xfs', '-q', '-f', '-K'], mount: 'nouuid' },
  btrfs: { mebibytes: 128, make: ['mkfs.btrfs', '-q', '-f', '-K'], mount: 'commit=1' },
} as const satisfies Record<string, { mebibytes: number; make: readonly [string, ...string[]]; mount: string }>;

/** A file system on a disk that remembers in which order it was written to, and where it was told to flush. */
export interface LoggedDisk {
  /** Where it is mounted. */
  folder: string;
  /** How much has come to the disk until now: a moment, to be compared with those of images. */
  moment(): number;
  /** Unmounts it. What is written by that comes after the last moment. */
  stop(): Promise<DiskLog>;
}

/** What came to a disk, and what it held before. */
export interface DiskLog {
  /** The moments after each write and flush. */
  moments: readonly number[];
  /**
   * What the disk may hold when the power fails at a moment: all before the last flush, and of what came since, each page
   * of 4 KiB with a chance of `kept` (1: a disk that writes in order).
   * @param random in [0, 1)
   */
  imageAt(moment: number, kept: number, random: () => number): Promise<string>;
  /** Mounts an image, lets `look` look at it and change it, and unmounts it. */
  mounted<T>(image: string, look: (folder: string) => Promise<T>): Promise<T>;
  remove(): Promise<void>;
}

export async function loggedDisk(kind: FileSystem): Promise<LoggedDisk> {
  const place = await mkdtemp(join(tmpdir(), 'prestage-disk-'));
  const at = (name: string) => join(place, name);
  for (const name of ['fuse', 'mounted']) await mkdir(at(name));
  await makeFileSystem(kind, at('live'));
  await run('cp', ['--sparse=always', at('live'), at('base')]);

  const program = fuseProgram(new URL('loggeddisk.c', import.meta.url));
  const server = spawn(program, [at('live'), at('log'), at('fuse'), '-f'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(server, 'close');
  while (!(await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${at('fuse')} `)) {
    if (server.exitCode !== null) throw new Error('loggeddisk did not start');
    await sleep(5);
  }
  await mount(kind, at('fuse/disk'), at('mounted'));
  return {
    folder: at('mounted'),
    moment: () => statSync(at('log')).size,
    async stop() {
      await unmount(at('mounted'));
      await run('fusermount3', ['-u', '-z', at('fuse')]);
      await ended;
      return diskLog(kind, place);
    },
  };
}

async function makeFileSystem(kind: FileSystem, file: string): Promise<void> {
  const { make, mebibytes } = FILE_SYSTEMS[kind];
  await writeFile(file, '');
  await truncate(file, mebibytes * 1024 * 1024);
  const [command, ...options] = make;
  await run(command, [...options, file]);
}

async function mount(kind: FileSystem, disk: string, folder: string): Promise<void> {
  await run('mount', ['-t', kind, '-o', `loop,${FILE_SYSTEMS[kind].mount}`, disk, folder]);
}

/** A loop device is given back a moment after its file system. */
async function unmount(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await run('umount', [folder]);
      return;
    } catch (error) {
      if (attempt === 100) throw error; // a process that is just ending has a file open
      await sleep(50);
    }
  }
}

interface DiskRecord {
  /** In the log: where its bytes are, and where it ends. */
  at: number;
  end: number;
  /** Undefined: a flush. */
  write: { offset: number; length: number } | undefined;
}

const HEAD_BYTES = 24;
const PAGE_BYTES = 4096;

async function diskLog(kind: FileSystem, place: string): Promise<DiskLog> {
  const log = await readFile(join(place, 'log'));
  const records = parseLog(log);
  return {
    moments: records.map(({ end }) => end),
    async imageAt(moment, kept, random) {
      const image = join(place, 'image');
      await rm(image, { force: true });
      await run('cp', ['--sparse=always', join(place, 'base'), image]);
      const before = records.filter(({ end }) => end <= moment);
      const lastFlush = before.findLastIndex(({ write }) => write === undefined);
      const file = await open(image, 'r+');
      try {
        for (const [index, { at, write }] of before.entries()) {
          if (write === undefined) continue;
          const bytes = log.subarray(at, at + write.length);
          if (index < lastFlush || kept === 1) await file.write(bytes, 0, bytes.length, write.offset);
          else
            for (let page = 0; page < bytes.length; page += PAGE_BYTES)
              if (random() < kept)
                await file.write(bytes, page, Math.min(PAGE_BYTES, bytes.length - page), write.offset + page);
        }
      } finally {
        await file.close();
      }
      return image;
    },
    async mounted(image, look) {
      const folder = join(place, 'mounted');
      await mount(kind, image, folder);
      try {
        return await look(folder);
      } finally {
        await unmount(folder);
      }
    },
    remove: () => rm(place, { recursive: true, force: true }),
  };
}

function parseLog(log: Buffer): DiskRecord[] {
  const records: DiskRecord[] = [];
  for (let at = 0; at + HEAD_BYTES <= log.length; ) {
    const [kind, offset, length] = [0, 8, 16].map((field) => Number(log.readBigUInt64LE(at + field))) as [
      number,
      number,
      number,
    ];
    at += HEAD_BYTES;
    records.push({ at, end: at + length, write: kind === 1 ? { offset, length } : undefined });
    at += length;
  }
  return records;
}
