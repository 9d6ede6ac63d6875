import type { Format } from './readers.js';

/** An archive at the edges of its format. */
export interface OddArchive {
  format: Format;
  bytes: Buffer;
  /** What it uses that some programs do not know (`known-gaps.ts`). */
  features: ReadonlySet<string>;
}

/** Numbers and choices by a random source. */
export class Dice {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Once in this many times. */
  once(times: number): boolean {
    return this.#random() * times < 1;
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  /** Nothing most of the time. */
  sometimes<T>(times: number, list: readonly [T, ...T[]]): T | undefined {
    return this.once(times) ? this.pick(list) : undefined;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}
