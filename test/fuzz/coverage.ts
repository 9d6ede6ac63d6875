declare global {
  /** How often each block of the instrumented sources ran; made before any of them is loaded (fuzz.ts). */
  var blockCounts: Uint32Array;
}

/** Which blocks of the program ran so far, and about how often in one run. */
export class Coverage {
  readonly #seen = new Uint8Array(globalThis.blockCounts.length);

  /** Whether anything ran since the last call as it never ran before. */
  isNew(): boolean {
    let isNew = false;
    // By index: an iterator takes longer than most runs.
    for (let block = 0; block < this.#seen.length; block += 1) {
      const count = globalThis.blockCounts[block] ?? 0;
      if (count === 0) continue;
      const before = this.#seen[block] ?? 0;
      const bit = magnitude(count);
      if ((before & bit) !== 0) continue;
      this.#seen[block] = before | bit;
      isNew = true;
    }
    globalThis.blockCounts.fill(0);
    return isNew;
  }

  /** Blocks that ran at least once. */
  get blocks(): number {
    return this.#seen.reduce((count, byte) => count + (byte === 0 ? 0 : 1), 0);
  }
}

/** 1, 2 to 7, 8 to 63, more: loops count by their order of magnitude, or every length of anything were news. */
function magnitude(count: number): number {
  if (count === 1) return 1;
  return count < 8 ? 2 : count < 64 ? 4 : 8;
}
