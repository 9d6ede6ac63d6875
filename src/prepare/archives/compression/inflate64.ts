/**
 * Inflates Deflate64 (APPNOTE 4.4.5, method 9; no other description is public): Deflate (RFC 1951) with a window of 64 KiB, two
 * more codes of distances, and one length with 16 bits of its own. Windows makes it of files beyond 2 GiB.
 */

const WINDOW_BYTES = 64 * 1024;
const OUTPUT_BYTES = 256 * 1024;
const LONGEST_MATCH = 65_538;
/** More than the lengths of a block's codes take, and more than a code with its bits. */
const LONGEST_HEADER_BYTES = 1024;
const LONGEST_SYMBOL_BYTES = 16;
const MAX_CODE_BITS = 15;
const END = 256;

/** The first length or distance of each code, and how many bits follow it. */
type Codes = readonly (readonly [base: number, bits: number])[];

const LENGTHS: Codes = [
  ...codes(3, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]),
  [3, 16],
];
const DISTANCES: Codes = codes(
  1,
  Array.from({ length: 32 }, (_, i) => Math.max(0, (i >>> 1) - 1)),
);
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

export class Inflate64Damaged extends Error {}

/** @throws Inflate64Damaged, also for more after the end */
export async function* inflate64(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflater = new Inflater();
  for await (const piece of source) yield* inflater.decode(piece, false);
  yield* inflater.decode(Buffer.alloc(0), true);
}

class Inflater {
  #input: Buffer = Buffer.alloc(0);
  #read = 0;
  /** Bits that were taken from the input and not used, the next one lowest. */
  #bits = 0;
  #bitCount = 0;
  /** What a match may copy from, and what was not handed out yet, from `#handedOut` on. */
  readonly #output = Buffer.allocUnsafe(WINDOW_BYTES + OUTPUT_BYTES + LONGEST_MATCH);
  #at = 0;
  #handedOut = 0;
  #state: 'header' | 'stored' | 'codes' | 'end' = 'header';
  #isFinal = false;
  #storedLeft = 0;
  #literals = FIXED_LITERALS;
  #distances = FIXED_DISTANCES;

  *decode(input: Buffer, isLast: boolean): Generator<Buffer> {
    this.#input = Buffer.concat([this.#input.subarray(this.#read), input]);
    this.#read = 0;
    while (this.#state !== 'end' && (isLast || this.#left >= this.#needed)) {
      this.#step();
      if (this.#left < 0) throw new Inflate64Damaged();
      if (this.#at - this.#handedOut >= OUTPUT_BYTES) yield this.#handOut();
    }
    if (this.#state === 'end' && this.#left > 0) throw new Inflate64Damaged();
    if (this.#at > this.#handedOut) yield this.#handOut();
  }

  /** Whole bytes of the input that were not used; fewer than none where it ended too early. */
  get #left(): number {
    return this.#input.length - this.#read + (this.#bitCount >>> 3);
  }

  get #needed(): number {
    if (this.#state === 'stored') return 1;
    return this.#state === 'header' ? LONGEST_HEADER_BYTES : LONGEST_SYMBOL_BYTES;
  }

  #step(): void {
    if (this.#state === 'header') this.#header();
    else if (this.#state === 'stored') this.#stored();
    else this.#symbol();
  }

  #header(): void {
    this.#isFinal = this.#take(1) === 1;
    const type = this.#take(2);
    if (type === 3) throw new Inflate64Damaged();
    if (type === 0) {
      this.#take(this.#bitCount & 7);
      this.#storedLeft = this.#take(16);
      if (this.#take(16) !== (this.#storedLeft ^ 0xffff)) throw new Inflate64Damaged();
      this.#state = 'stored';
      if (this.#storedLeft === 0) this.#endBlock();
      return;
    }
    if (type === 1) [this.#literals, this.#distances] = [FIXED_LITERALS, FIXED_DISTANCES];
    else this.#readCodes();
    this.#state = 'codes';
  }

  #readCodes(): void {
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const count = this.#take(4) + 4;
    const lengths = new Uint8Array(19);
    for (const symbol of LENGTHS_ORDER.slice(0, count)) lengths[symbol] = this.#take(3);
    const code = huffman(lengths);
    const all = new Uint8Array(literals + distances);
    for (let i = 0; i < all.length; ) {
      const symbol = this.#code(code);
      if (symbol < 16) {
        all[i] = symbol;
        i += 1;
        continue;
      }
      if (symbol === 16 && i === 0) throw new Inflate64Damaged();
      const value = symbol === 16 ? (all[i - 1] ?? 0) : 0;
      const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (i + times > all.length) throw new Inflate64Damaged();
      all.fill(value, i, i + times);
      i += times;
    }
    this.#literals = huffman(all.subarray(0, literals));
    this.#distances = huffman(all.subarray(literals));
  }

  #stored(): void {
    // Bits that were taken ahead are whole bytes here.
    this.#read -= this.#bitCount >>> 3;
    this.#bits = 0;
    this.#bitCount = 0;
    const count = Math.min(this.#storedLeft, this.#input.length - this.#read, OUTPUT_BYTES);
    if (count <= 0) throw new Inflate64Damaged();
    this.#input.copy(this.#output, this.#at, this.#read, this.#read + count);
    this.#read += count;
    this.#at += count;
    this.#storedLeft -= count;
    if (this.#storedLeft === 0) this.#endBlock();
  }

  #symbol(): void {
    const symbol = this.#code(this.#literals);
    if (symbol < END) {
      this.#output[this.#at] = symbol;
      this.#at += 1;
    } else if (symbol === END) this.#endBlock();
    else this.#copy(this.#value(LENGTHS[symbol - END - 1]), this.#value(DISTANCES[this.#code(this.#distances)]));
  }

  #copy(length: number, distance: number): void {
    const from = this.#at - distance;
    if (from < 0) throw new Inflate64Damaged();
    const output = this.#output;
    for (let i = 0; i < length; i += 1) output[this.#at + i] = output[from + i] ?? 0;
    this.#at += length;
  }

  #endBlock(): void {
    this.#state = this.#isFinal ? 'end' : 'header';
  }

  #handOut(): Buffer {
    const bytes = Buffer.from(this.#output.subarray(this.#handedOut, this.#at));
    const kept = Math.min(WINDOW_BYTES, this.#at);
    this.#output.copyWithin(0, this.#at - kept, this.#at);
    this.#at = kept;
    this.#handedOut = kept;
    return bytes;
  }

  #value(code: Codes[number] | undefined): number {
    if (code === undefined) throw new Inflate64Damaged();
    const [base, bits] = code;
    return base + this.#take(bits);
  }

  #code(table: Uint16Array): number {
    this.#fill(MAX_CODE_BITS);
    const found = table[this.#bits & 0x7fff] ?? 0;
    if (found === 0) throw new Inflate64Damaged();
    this.#drop(found & 15);
    return found >>> 4;
  }

  #take(count: number): number {
    this.#fill(count);
    const value = this.#bits & ((1 << count) - 1);
    this.#drop(count);
    return value;
  }

  #fill(count: number): void {
    while (this.#bitCount < count) {
      this.#bits |= (this.#input[this.#read] ?? 0) << this.#bitCount;
      this.#read += 1;
      this.#bitCount += 8;
    }
  }

  #drop(count: number): void {
    this.#bits >>>= count;
    this.#bitCount -= count;
  }
}

function codes(first: number, bits: readonly number[]): Codes {
  let base = first;
  return bits.map((count) => {
    base += 2 ** count;
    return [base - 2 ** count, count] as const;
  });
}

/**
 * For each 15 bits that may come next, the symbol whose code they begin with, and the code's length in the lowest four bits; 0
 * where there is none.
 */
function huffman(lengths: Uint8Array): Uint16Array {
  const table = new Uint16Array(1 << MAX_CODE_BITS);
  let code = 0;
  for (let bits = 1; bits <= MAX_CODE_BITS; bits += 1) {
    for (const [symbol, length] of lengths.entries()) {
      if (length !== bits) continue;
      if (code >= 1 << bits) throw new Inflate64Damaged(); // more codes than there are
      for (let at = reversed(code, bits); at < table.length; at += 1 << bits) table[at] = (symbol << 4) | bits;
      code += 1;
    }
    code <<= 1;
  }
  return table;
}

function reversed(code: number, bits: number): number {
  let value = 0;
  for (let i = 0; i < bits; i += 1) value |= ((code >>> i) & 1) << (bits - 1 - i);
  return value;
}

const FIXED_LITERALS = huffman(
  Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
);
const FIXED_DISTANCES = huffman(new Uint8Array(32).fill(5));
