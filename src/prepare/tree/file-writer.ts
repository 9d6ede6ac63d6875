import { createHash } from 'node:crypto';
import {
  close,
  closeSync,
  constants,
  fchmod,
  fchmodSync,
  mkdir,
  mkdirSync,
  open,
  openSync,
  write,
  writeSync,
  writev,
} from 'node:fs';
import { asPrestageError } from '../../core/errors.js';
import { whileHeld, whileHeldAtOnce } from '../../core/held-files.js';

/**
 * Writing files by system calls as few as can be: open with the final mode, write, close. The callback API costs half of
 * what FileHandle does, and files are many.
 */

const FOLDER_MODE = 0o755;
/**
 * Not O_EXCL: of an NFS client it takes a SETATTR for each file, one operation in four. That nothing has the name is known
 * already: the folder is fresh and this process' own, and its listing in memory holds each name, as file systems fold them.
 * Links are not followed; Windows has no flag for that but O_EXCL.
 */
const CREATE = constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY | (constants.O_NOFOLLOW ?? constants.O_EXCL);
/** One write call takes about this much. */
const BATCH_BYTES = 1024 * 1024;
/** How many write calls of one file may be under way. */
const BATCHES_AHEAD = 3;

/** Larger ones are left to the thread pool, which copies them beside the main thread's work. */
const AT_ONCE_BYTES = 64 * 1024;
/** A local disk's calls for a small file take a twentieth of this, a network file system's many times as much. */
const PROMPT_MS = 0.5;
/** How many files in a row must take longer: a single one may have waited for the processor. */
const SLOW_FILES = 2;
/** How many files are written by the thread pool before a file system that was slow is tried again, at first. */
const RETRY_AFTER = 256;

/**
 * Creates small files, and folders. A call through the thread pool costs several times the processor time of the call itself on a
 * local disk, so there it is made at once (measured with 3,000 files: 0.32 s instead of 0.38 to 1.1 s). A file system
 * that answers late is noticed by the first two files; from then on the pool waits for many at a time, and another try comes
 * ever later.
 */
export class SmallFileWriter {
  #slow = 0;
  #patience = RETRY_AFTER;
  #untilRetry = 0;

  /** Creates a file that does not exist, with its content and mode. A link of that name is not followed. */
  async create(path: string, content: Uint8Array, mode: number): Promise<void> {
    if (content.length > AT_ONCE_BYTES || this.#untilRetry > 0) {
      this.#untilRetry -= 1;
      return createFile(path, content, mode);
    }
    const started = performance.now();
    createFileAtOnce(path, content, mode);
    this.#took(performance.now() - started);
  }

  /** Creates a folder that does not exist, in one that does, with the mode 755. */
  async makeFolder(path: string): Promise<void> {
    if (this.#untilRetry > 0) {
      this.#untilRetry -= 1;
      return createFolder(path);
    }
    const started = performance.now();
    mkdirSync(path, FOLDER_MODE);
    this.#took(performance.now() - started);
  }

  #took(ms: number): void {
    this.#slow = ms < PROMPT_MS ? 0 : this.#slow + 1;
    if (this.#slow === 0) this.#patience = RETRY_AFTER;
    if (this.#slow < SLOW_FILES) return;
    this.#untilRetry = this.#patience;
    this.#patience *= 4;
    this.#slow = SLOW_FILES - 1; // the next time one more is enough
  }
}

function createFolder(path: string): Promise<void> {
  return new Promise((resolve, reject) => mkdir(path, FOLDER_MODE, (error) => (error ? reject(error) : resolve())));
}

function createFileAtOnce(path: string, content: Uint8Array, mode: number): void {
  const fd = whileHeldAtOnce(() => openSync(path, CREATE, mode));
  try {
    if (!isUsual(mode)) fchmodSync(fd, mode);
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at, content.length - at, at);
  } finally {
    closeSync(fd);
  }
}

async function createFile(path: string, content: Uint8Array, mode: number): Promise<void> {
  const fd = await create(path, mode);
  try {
    for (let at = 0; at < content.length; ) at += await writeAt(fd, content, at);
  } finally {
    await closeFile(fd);
  }
}

/** Creates a file from a stream; hashing and reading go on while the disk writes. */
export async function createFileFrom(
  path: string,
  content: AsyncIterable<Uint8Array>,
  mode: number,
): Promise<{ size: number; sha256: string }> {
  // Where a call fails on a descriptor, the system does not say which file it was, and a failing source is not this file's.
  const named = (error: unknown): never => {
    throw asPrestageError(error, { path });
  };
  const fd = await create(path, mode).catch(named);
  const underWay: Promise<void>[] = [];
  try {
    const hash = createHash('sha256');
    let size = 0;
    let batch: Uint8Array[] = [];
    let batchBytes = 0;
    const flush = async (): Promise<void> => {
      const written = writeAll(fd, batch, size - batchBytes).catch(named);
      written.catch(() => undefined); // seen when it is awaited
      underWay.push(written);
      batch = [];
      batchBytes = 0;
      if (underWay.length >= BATCHES_AHEAD) await underWay.shift();
    };
    for await (const chunk of content) {
      hash.update(chunk);
      batch.push(chunk);
      batchBytes += chunk.length;
      size += chunk.length;
      if (batchBytes >= BATCH_BYTES) await flush();
    }
    if (batchBytes > 0) await flush();
    for (const written of underWay) await written;
    return { size, sha256: hash.digest('hex') };
  } finally {
    // The descriptor's number must not be given to another file while a write to it is under way.
    await Promise.allSettled(underWay);
    await closeFile(fd).catch(named);
  }
}

async function create(path: string, mode: number): Promise<number> {
  const fd = await whileHeld(() => openNew(path, mode));
  if (isUsual(mode)) return fd;
  await new Promise<void>((resolve, reject) => fchmod(fd, mode, (error) => (error ? reject(error) : resolve())));
  return fd;
}

function openNew(path: string, mode: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, CREATE, mode, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

/** 644 and 755 pass every usual umask, and the agent's is 0; what a chmod step gave must not depend on it. */
function isUsual(mode: number): boolean {
  return mode === 0o644 || mode === 0o755;
}

function writeAt(fd: number, content: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, content, at, content.length - at, at, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

async function writeAll(fd: number, chunks: Uint8Array[], position: number): Promise<void> {
  let rest = chunks;
  let at = position;
  while (rest.length > 0) {
    const batch = rest;
    const written = await new Promise<number>((resolve, reject) => {
      writev(fd, batch, at, (error, written) => (error ? reject(error) : resolve(written)));
    });
    at += written;
    rest = after(rest, written);
  }
}

function after(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  for (const [index, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(index + 1)];
    left -= chunk.length;
  }
  return [];
}

function closeFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => close(fd, (error) => (error ? reject(error) : resolve())));
}
