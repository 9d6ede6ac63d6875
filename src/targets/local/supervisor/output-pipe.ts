import { spawnSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, readlinkSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rmSync } from '../../../core/held-files.js';

/** What programs write to, and the supervisor reads from. */
export interface OutputPipe {
  /** For a child's stdout and stderr. */
  readonly descriptor: number;
  /** Takes what was written so far. */
  drain(): void;
}

/** A pipe holds 64 KiB, and up to 1 MiB where somebody said so: a daemon that goes on writing must not keep us. */
const DRAIN_READS = 16;

const NAME = 'prestage-output-';

/**
 * A pipe as the shell's `|` makes it: Node's own are sockets, and a program that opens /dev/stderr cannot open those. Each
 * end can be read and written, so that a program whose supervisor was killed does not die of SIGPIPE. Its name is gone at
 * once. Undefined where there are no named pipes.
 */
export function makePipe(take: (bytes: Buffer) => void): OutputPipe | undefined {
  const folder = temporaryFolder();
  if (folder === undefined) return undefined;
  try {
    const path = join(folder, 'pipe');
    return spawnSync('mkfifo', ['-m', '600', path]).status === 0 ? openPipe(path, take) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The pipe that an earlier supervisor made for a program that still runs. Linux only. */
export function pipeOf(pid: number, take: (bytes: Buffer) => void): OutputPipe | undefined {
  const path = `/proc/${pid}/fd/1`;
  try {
    return readlinkSync(path).includes(NAME) ? openPipe(path, take) : undefined;
  } catch {
    return undefined;
  }
}

function temporaryFolder(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), NAME));
  } catch {
    return undefined;
  }
}

function openPipe(path: string, take: (bytes: Buffer) => void): OutputPipe {
  // Two descriptions of one pipe: that the supervisor does not wait must not be so for programs.
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const descriptor = openSync(path, constants.O_RDWR);
  new Socket({ fd: reader, readable: true, writable: false }).on('data', take).unref();
  const buffer = Buffer.alloc(64 * 1024);
  return {
    descriptor,
    drain() {
      for (let reads = 0; reads < DRAIN_READS; reads++) {
        const length = readNow(reader, buffer);
        if (length === 0) return;
        take(buffer.subarray(0, length));
      }
    },
  };
}

function readNow(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer);
  } catch {
    return 0; // EAGAIN: it is empty
  }
}
