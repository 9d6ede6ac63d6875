import { archiveError } from '../archive-error.js';

/** `compress` of Unix: LZW, whose codes grow from 9 to at most 16 bits. */
const HEADER_BYTES = 3;
const FIRST_BITS = 9;
const CLEAR = 256;
const BLOCK_MODE = 0x80;
const OUTPUT_BYTES = 64 * 1024;

/**
 * Decompresses what ends in `.Z`. Nothing in it says where it ends, and it has no checksum.
 * @throws ARCHIVE_INVALID for damage
 */
export async function* uncompress(chunks: AsyncIterable<Buffer>, archive: string): AsyncGenerator<Buffer> {
  const damaged = () => archiveError('ARCHIVE_INVALID', { archive }, 'its stream of compress is damaged, or cut off');
  let decoder: LzwDecoder | undefined;
  let input: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of chunks) {
      input = Buffer.concat([input, chunk]);
      if (decoder === undefined) {
        if (input.length < HEADER_BYTES) continue;
        decoder = new LzwDecoder(input[2] ?? 0);
        input = input.subarray(HEADER_BYTES);
      }
      const read = yield* decoder.decode(input, false);
      input = input.subarray(read);
    }
    if (decoder === undefined) throw new LzwDamaged();
    yield* decoder.decode(input, true);
  } catch (error) {
    throw error instanceof LzwDamaged ? damaged() : error;
  }
}

class LzwDamaged extends Error {}

class LzwDecoder {
  readonly #mostBits: number;
  readonly #hasClear: boolean;
  readonly #prefixes = new Uint16Array(65536);
  readonly #suffixes = new Uint8Array(65536);
  readonly #reversed = new Uint8Array(65536);
  #bits = FIRST_BITS;
  /** The next code that is to be defined. */
  #next: number;
  #before = -1;

  constructor(flags: number) {
    this.#mostBits = flags & 31;
    this.#hasClear = (flags & BLOCK_MODE) !== 0;
    if (this.#mostBits < FIRST_BITS || this.#mostBits > 16 || (flags & 0x60) !== 0) throw new LzwDamaged();
    this.#next = this.#hasClear ? CLEAR + 1 : CLEAR;
  }

  /** Codes come in groups of eight, which are filled up where their length changes. @returns how many bytes were read */
  *decode(input: Buffer, isLast: boolean): Generator<Buffer, number> {
    let at = 0;
    let output = Buffer.allocUnsafe(OUTPUT_BYTES + 65536);
    let filled = 0;
    while (at < input.length && (isLast || at + this.#bits <= input.length)) {
      const bits = this.#bits;
      const groupBits = Math.min(bits, input.length - at) * 8;
      let bit = 0;
      for (; bit + bits <= groupBits && this.#bits === bits; bit += bits) {
        const code = codeAt(input, at, bit, bits);
        if (code === CLEAR && this.#hasClear) {
          this.#bits = FIRST_BITS;
          this.#next = CLEAR + 1;
          this.#before = -1;
          break;
        }
        filled = this.#write(code, output, filled);
        if (filled >= OUTPUT_BYTES) {
          yield output.subarray(0, filled);
          output = Buffer.allocUnsafe(OUTPUT_BYTES + 65536);
          filled = 0;
        }
      }
      at += groupBits / 8;
    }
    if (filled > 0) yield output.subarray(0, filled);
    return at;
  }

  #write(code: number, output: Buffer, start: number): number {
    if (this.#before === -1) {
      if (code >= CLEAR) throw new LzwDamaged();
      this.#before = code;
      output[start] = code;
      return start + 1;
    }
    const isNew = code === this.#next;
    if (code > this.#next || (isNew && this.#next >= 2 ** this.#mostBits) || (code === CLEAR && this.#hasClear))
      throw new LzwDamaged();
    let count = 0;
    let at = isNew ? this.#before : code;
    for (; at >= CLEAR; at = this.#prefixes[at] ?? 0) {
      this.#reversed[count] = this.#suffixes[at] ?? 0;
      count += 1;
    }
    let end = start;
    output[end] = at;
    for (end += 1; count > 0; end += 1) {
      count -= 1;
      output[end] = this.#reversed[count] ?? 0;
    }
    if (isNew) {
      output[end] = at;
      end += 1;
    }
    if (this.#next < 2 ** this.#mostBits) {
      this.#prefixes[this.#next] = this.#before;
      this.#suffixes[this.#next] = at;
      this.#next += 1;
      if (this.#next > 2 ** this.#bits - 1 && this.#bits < this.#mostBits) this.#bits += 1;
    }
    this.#before = code;
    return end;
  }
}

function codeAt(input: Buffer, at: number, bit: number, bits: number): number {
  const from = at + (bit >>> 3);
  const three = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8) | ((input[from + 2] ?? 0) << 16);
  return (three >>> (bit & 7)) & (2 ** bits - 1);
}
