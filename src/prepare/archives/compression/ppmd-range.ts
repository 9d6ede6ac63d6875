const TOP = 2 ** 24;
const START_BYTES = 5;

/** The range coder that 7z has with PPMd. */
export class RangeDecoder {
  readonly #pieces: AsyncIterator<Buffer>;
  #input: Buffer = Buffer.alloc(0);
  #at = 0;
  #range = 0xffffffff;
  #code = 0;

  constructor(packed: AsyncIterable<Buffer>) {
    this.#pieces = packed[Symbol.asyncIterator]();
  }

  /** How many bytes there are without waiting for more. */
  get left(): number {
    return this.#input.length - this.#at;
  }

  get isCutOff(): boolean {
    return this.#at > this.#input.length;
  }

  /** Waits for a number of bytes, or the end. */
  async more(count: number): Promise<void> {
    while (this.left < count) {
      const next = await this.#pieces.next();
      if (next.done) return;
      this.#input = Buffer.concat([this.#input.subarray(this.#at), next.value]);
      this.#at = 0;
    }
  }

  async start(): Promise<boolean> {
    await this.more(START_BYTES);
    if (this.left < START_BYTES || this.#input[this.#at] !== 0) return false;
    this.#code = this.#input.readUInt32BE(this.#at + 1);
    this.#at += START_BYTES;
    return this.#code < 0xffffffff;
  }

  /** Whether all was taken, and what ends a stream was there. */
  async isFinished(): Promise<boolean> {
    await this.more(1);
    return this.#code === 0 && this.left === 0;
  }

  threshold(total: number): number {
    this.#range = Math.floor(this.#range / total);
    return Math.floor(this.#code / this.#range);
  }

  take(start: number, size: number): void {
    this.#code -= start * this.#range;
    this.#range *= size;
    this.#normalize();
  }

  bit(zeros: number, total: number): number {
    const bound = Math.floor(this.#range / total) * zeros;
    const bit = this.#code < bound ? 0 : 1;
    if (bit === 0) this.#range = bound;
    else {
      this.#code -= bound;
      this.#range -= bound;
    }
    this.#normalize();
    return bit;
  }

  #normalize(): void {
    for (let i = 0; i < 2 && this.#range < TOP; i += 1) {
      this.#code = ((this.#code << 8) | (this.#input[this.#at] ?? 0)) >>> 0;
      this.#range = (this.#range << 8) >>> 0;
      this.#at += 1;
    }
  }
}
