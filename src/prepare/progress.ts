import type { Emit } from '../core/events.js';

const INTERVAL_MS = 250;

/** Counts what a package's preparation has done, and says so at most four times a second. */
export class Progress {
  readonly #emit: Emit;
  readonly #package: string;
  readonly #totals: { bytesTotal?: number; filesTotal?: number };
  #bytes = 0;
  #files = 0;
  #said = performance.now();

  constructor(emit: Emit, packageId: string, totals: { bytesTotal?: number; filesTotal?: number }) {
    this.#emit = emit;
    this.#package = packageId;
    this.#totals = totals;
  }

  /** Bytes of the source that have been read. */
  addBytes(bytes: number): void {
    this.#bytes += bytes;
    this.#tell();
  }

  /** The number of files in the tree, so far. */
  setFiles(files: number): void {
    this.#files = files;
    this.#tell();
  }

  /** The source is fetched anew. */
  restart(): void {
    this.#bytes = 0;
    this.#files = 0;
  }

  #tell(): void {
    const now = performance.now();
    if (now - this.#said < INTERVAL_MS) return;
    this.#said = now;
    this.#emit({
      type: 'package.progress',
      package: this.#package,
      bytes: this.#bytes,
      files: this.#files,
      ...this.#totals,
    });
  }
}
