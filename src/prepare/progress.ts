import type { Emit } from '../core/events.js';
import { paced } from '../core/paced.js';

/** `bytes` of the source have been read, `files` have been written. */
export interface Done {
  bytes: number;
  files: number;
}

/** Says how far a package's preparation is, at most four times a second. */
export class Progress {
  readonly #say: (done: Done) => void;
  #done: Done = { bytes: 0, files: 0 };
  readonly #isTime = paced();

  constructor(emit: Emit, packageId: string, totals: { bytesTotal?: number; filesTotal?: number }) {
    this.#say = (done) => emit({ type: 'package.progress', package: packageId, ...done, ...totals });
  }

  set(done: Done): void {
    this.#done = done;
    if (this.#isTime()) this.#say(done);
  }

  add(more: Done): void {
    this.set({ bytes: this.#done.bytes + more.bytes, files: this.#done.files + more.files });
  }
}
