/**
 * BCJ2 of the LZMA SDK (public domain): the targets of calls and of jumps in programs for x86, each in a stream of its own, and
 * one of bits that say which are there.
 */
export interface Bcj2Streams {
  main: AsyncIterable<Buffer>;
  calls: AsyncIterable<Buffer>;
  jumps: AsyncIterable<Buffer>;
  bits: AsyncIterable<Buffer>;
}

const OUTPUT_BYTES = 256 * 1024;
/** After each byte before a call, one for jumps, one for those with a condition. */
const JUMP = 256;
const CONDITIONAL_JUMP = 257;

export class Bcj2Damaged extends Error {}

/** @param size what comes of it @throws Bcj2Damaged where something is missing, or left */
export async function* unbcj2(streams: Bcj2Streams, size: number): AsyncGenerator<Buffer> {
  const [main, calls, jumps, bits] = [streams.main, streams.calls, streams.jumps, streams.bits].map(
    (stream) => new Bytes(stream),
  ) as [Bytes, Bytes, Bytes, Bytes];
  const decoder = new BitDecoder(bits);
  await decoder.start();
  let before = 0;
  let total = 0;
  while (total < size) {
    const output = Buffer.allocUnsafe(Math.min(OUTPUT_BYTES, size - total) + 4);
    let at = 0;
    while (at < output.length - 4) {
      if (main.isEmpty) await main.more();
      const byte = main.next();
      output[at] = byte;
      at += 1;
      const isCall = (byte & 0xfe) === 0xe8;
      if (!(isCall || (before === 0x0f && (byte & 0xf0) === 0x80)) || total + at === size) {
        before = byte;
        continue;
      }
      if (bits.isEmpty) await bits.more().catch(() => undefined); // it may not be needed any more
      if (decoder.bit(byte === 0xe8 ? before : byte === 0xe9 ? JUMP : CONDITIONAL_JUMP) === 0) {
        before = byte;
        continue;
      }
      const source = await (byte === 0xe8 ? calls : jumps).word();
      const target = (source - (total + at + 4)) >>> 0;
      output.writeUInt32LE(target, at);
      at += 4;
      before = target >>> 24;
    }
    if (total + at > size) throw new Bcj2Damaged();
    total += at;
    yield output.subarray(0, at);
  }
  for (const rest of [main, calls, jumps]) if (!(await rest.isAtEnd())) throw new Bcj2Damaged();
  for (; !(await bits.isAtEnd()); bits.next()); // what the coder of bits wrote behind the last one
}

/** Bytes one by one, without a promise for each. */
class Bytes {
  readonly #pieces: AsyncIterator<Buffer>;
  #piece: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  get isEmpty(): boolean {
    return this.#at === this.#piece.length;
  }

  /** @throws Bcj2Damaged at the end */
  next(): number {
    if (this.isEmpty) throw new Bcj2Damaged();
    this.#at += 1;
    return this.#piece[this.#at - 1] ?? 0;
  }

  async more(): Promise<void> {
    if (await this.isAtEnd()) throw new Bcj2Damaged();
  }

  /** Gets more where it can. */
  async isAtEnd(): Promise<boolean> {
    while (this.isEmpty) {
      const next = await this.#pieces.next();
      if (next.done) return true;
      this.#piece = next.value;
      this.#at = 0;
    }
    return false;
  }

  async word(): Promise<number> {
    let value = 0;
    for (let i = 0; i < 4; i += 1) {
      if (this.isEmpty) await this.more();
      value = value * 256 + this.next();
    }
    return value;
  }
}

/** The range coder of LZMA, for single bits. */
class BitDecoder {
  readonly #bytes: Bytes;
  readonly #probabilities = new Uint16Array(258).fill(1024);
  #range = 0xffffffff;
  #code = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  async start(): Promise<void> {
    await this.#bytes.more();
    if (this.#bytes.next() !== 0) throw new Bcj2Damaged();
    this.#code = await this.#bytes.word();
  }

  bit(index: number): number {
    if (this.#range < 0x1000000) {
      this.#range = (this.#range << 8) >>> 0;
      this.#code = ((this.#code << 8) | this.#bytes.next()) >>> 0;
    }
    const probability = this.#probabilities[index] ?? 0;
    const bound = (this.#range >>> 11) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2048 - probability) >>> 5);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    this.#probabilities[index] = probability - (probability >>> 5);
    return 1;
  }
}
