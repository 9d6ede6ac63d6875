/** Bytes in order from chunks of any sizes, by amounts. Offsets count from the start of the content. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #before = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** How many bytes were taken. */
  get offset(): number {
    return this.#before + this.#at;
  }

  /** The next bytes, or as many as are left. They may lie in a chunk's memory, so they are not to be kept. */
  async take(count: number): Promise<Buffer> {
    if (this.#chunk.length - this.#at >= count || (this.#at === this.#chunk.length && (await this.#next()))) {
      if (this.#chunk.length - this.#at >= count) return this.#advance(count);
    }
    return this.copy(count);
  }

  /** The next bytes, or as many as are left, in memory of their own. */
  async copy(count: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count && (this.#at < this.#chunk.length || (await this.#next()))) {
      filled += this.#advance(Math.min(count - filled, this.#chunk.length - this.#at)).copy(bytes, filled);
    }
    return bytes.subarray(0, filled);
  }

  /** The next bytes that are at hand, at least `count` unless there are fewer; none of them is taken. */
  async peek(count: number): Promise<Buffer> {
    while (this.#chunk.length - this.#at < count) {
      const rest = this.#chunk.subarray(this.#at);
      const more = await this.#chunks.next();
      if (more.done) break;
      this.#before += this.#at;
      this.#at = 0;
      this.#chunk = rest.length === 0 ? more.value : Buffer.concat([rest, more.value]);
    }
    return this.#chunk.subarray(this.#at);
  }

  /** The next `count` bytes as they come; ends early where the content does. */
  async *stream(count: number): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0 && (this.#at < this.#chunk.length || (await this.#next()))) {
      const bytes = this.#advance(Math.min(left, this.#chunk.length - this.#at));
      left -= bytes.length;
      yield bytes;
    }
  }

  /** Passes over bytes; returns how many there were. */
  async skip(count: number): Promise<number> {
    let left = count;
    while (left > 0 && (this.#at < this.#chunk.length || (await this.#next()))) {
      left -= this.#advance(Math.min(left, this.#chunk.length - this.#at)).length;
    }
    return count - left;
  }

  /** Passes over zeros; whether there is nothing else to the end. */
  async restIsZero(): Promise<boolean> {
    while (this.#at < this.#chunk.length || (await this.#next())) {
      const rest = this.#chunk.subarray(this.#at);
      const zeros = isZero(rest) ? rest.length : rest.findIndex((byte) => byte !== 0);
      this.#advance(zeros);
      if (zeros < rest.length) return false;
    }
    return true;
  }

  /** Lets go of what the chunks come from. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #advance(count: number): Buffer {
    const bytes = this.#chunk.subarray(this.#at, this.#at + count);
    this.#at += count;
    return bytes;
  }

  async #next(): Promise<boolean> {
    this.#before += this.#chunk.length;
    this.#at = 0;
    this.#chunk = Buffer.alloc(0);
    for (let next = await this.#chunks.next(); !next.done; next = await this.#chunks.next()) {
      if (next.value.length === 0) continue;
      this.#chunk = next.value;
      return true;
    }
    return false;
  }
}

const ZEROS = Buffer.alloc(64 * 1024);

export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}
