import type { FileHandle } from 'node:fs/promises';
import { archiveError } from '../archive-error.js';
import { READ_BYTES } from '../archive-input.js';
import { readAt } from '../read-at.js';

/** The only size of a logical block that any program writes, and that of a sector. */
export const BLOCK_BYTES = 2048;

/** A stretch of an image, in bytes. */
export interface Extent {
  at: number;
  length: number;
}

/** An image, read at random: neighbours by one read. */
export class Disc {
  readonly size: number;
  readonly archive: string;
  readonly #handle: FileHandle;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;

  constructor(handle: FileHandle, size: number, archive: string) {
    this.#handle = handle;
    this.size = size;
    this.archive = archive;
  }

  /** A few bytes, in memory that others share. @throws ARCHIVE_INVALID */
  async bytes({ at, length }: Extent, entry?: string): Promise<Buffer> {
    this.demand({ at, length }, entry);
    if (at < this.#windowAt || at + length > this.#windowAt + this.#window.length) {
      this.#window = await readAt(this.#handle, at, Math.min(Math.max(length, READ_BYTES), this.size - at));
      this.#windowAt = at;
    }
    return this.#window.subarray(at - this.#windowAt, at - this.#windowAt + length);
  }

  /** Bytes as they come. @throws ARCHIVE_INVALID */
  async *stream(extent: Extent, entry?: string): AsyncGenerator<Buffer> {
    this.demand(extent, entry);
    const end = extent.at + extent.length;
    const read = (at: number) => {
      const bytes = readAt(this.#handle, at, Math.min(READ_BYTES, end - at));
      bytes.catch(() => undefined); // seen when it is awaited
      return bytes;
    };
    let ahead = extent.length > 0 ? read(extent.at) : undefined;
    for (let at = extent.at; ahead !== undefined; ) {
      const piece = await ahead;
      at += piece.length;
      ahead = at < end && piece.length > 0 ? read(at) : undefined;
      yield piece;
    }
  }

  /** @throws ARCHIVE_INVALID where the image ends before */
  demand({ at, length }: Extent, entry?: string): void {
    if (at + length <= this.size) return;
    const place = { archive: this.archive, entry };
    throw archiveError('ARCHIVE_INVALID', place, 'lies beyond the end of the image: it is cut off, or damaged', {
      reason: 'cut-off',
    });
  }
}
