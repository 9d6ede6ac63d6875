import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './host.js';
import { userOf } from './run-script.js';

/** Between two looks at a file, ms. */
const POLL_MS = 500;
/** A file is emptied when it is larger: its lines are in the host's log by then, which is bounded. */
const MAX_BYTES = 10 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Brings the lines that a program writes into files of its own to the host's log, until `stop`. Never throws. */
export function followLogs({ spec, files, log }: Host): { stop(): void } {
  // With our rights, a link of theirs to a file of somebody else would be read, and emptied.
  const owner = userOf(spec.user)?.uid;
  const followed = (spec.logs ?? []).map((path) => new FollowedFile(join(files.work, path), log.add, { owner }));
  const look = () => {
    for (const file of followed) file.look();
  };
  const timer = setInterval(look, POLL_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      for (const file of followed) file.close();
    },
  };
}

export class FollowedFile {
  readonly #path: string;
  readonly #take: (lines: Buffer) => void;
  readonly #maxBytes: number;
  /** Whose files are followed alone; undefined: anybody's. */
  readonly #owner: number | undefined;
  #descriptor: number | undefined;
  #position = 0;
  /** The beginning of a line whose end has not been written yet. */
  #partial = Buffer.alloc(0);

  /** What is in a file already was read by a supervisor before this one. */
  constructor(
    path: string,
    take: (lines: Buffer) => void,
    { maxBytes = MAX_BYTES, owner }: { maxBytes?: number; owner?: number | undefined } = {},
  ) {
    this.#path = path;
    this.#take = take;
    this.#maxBytes = maxBytes;
    this.#owner = owner;
    if (existsSync(path)) this.#attempt(() => this.#open({ atEnd: true }));
  }

  /** Reads what was written since the last look. */
  look(): void {
    this.#attempt(() => {
      if (this.#descriptor === undefined) this.#open({ atEnd: false });
      this.#read();
      // The program itself has begun another file: the old one is read to its end, and then the new one.
      if (this.#isElsewhere()) {
        this.#open({ atEnd: false });
        this.#read();
      }
      if (this.#position > this.#maxBytes) this.#empty();
    });
  }

  close(): void {
    if (this.#partial.length > 0) this.#take(Buffer.concat([this.#partial, Buffer.from('\n')]));
    this.#partial = Buffer.alloc(0);
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** A file that is not there yet, or cannot be read, is looked at again the next time. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch {}
  }

  #open({ atEnd }: { atEnd: boolean }): void {
    const descriptor = this.#openFor(constants.O_RDONLY);
    this.close();
    this.#descriptor = descriptor;
    this.#position = atEnd ? fstatSync(descriptor).size : 0;
  }

  /** A pipe would let us wait for its other end, so nothing is waited for. */
  #openFor(access: number): number {
    const descriptor = openSync(this.#path, access | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (stats.isFile() && (this.#owner === undefined || stats.uid === this.#owner)) return descriptor;
    closeSync(descriptor);
    throw new Error(`${this.#path} is no file of its own`);
  }

  #read(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    if (fstatSync(descriptor).size < this.#position) this.#position = 0; // somebody emptied it
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const count = readSync(descriptor, buffer, 0, CHUNK_BYTES, this.#position);
      if (count === 0) return;
      this.#position += count;
      const bytes = Buffer.concat([this.#partial, buffer.subarray(0, count)]);
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      const isTooLong = end === 0 && bytes.length > CHUNK_BYTES;
      if (end > 0 || isTooLong) this.#take(isTooLong ? bytes : bytes.subarray(0, end));
      this.#partial = Buffer.from(isTooLong ? '' : bytes.subarray(end));
    }
  }

  #isElsewhere(): boolean {
    if (this.#descriptor === undefined) return false;
    return statSync(this.#path).ino !== fstatSync(this.#descriptor).ino;
  }

  /** The program goes on appending to the same file. What it wrote since the last read is lost, microseconds at most. */
  #empty(): void {
    this.#read();
    const descriptor = this.#openFor(constants.O_WRONLY);
    try {
      ftruncateSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    this.#position = 0;
  }
}
