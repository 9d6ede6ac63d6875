/** Where each kind of probability starts in the table of all. */
const IS_MATCH = 0;
const IS_REPEATED = IS_MATCH + (12 << 4);
const IS_FIRST = IS_REPEATED + 12;
const IS_SECOND = IS_FIRST + 12;
const IS_THIRD = IS_SECOND + 12;
const IS_FIRST_LONG = IS_THIRD + 12;
const SLOTS = IS_FIRST_LONG + (12 << 4);
const MIDDLE_DISTANCES = SLOTS + 4 * 64;
const ALIGNMENT = MIDDLE_DISTANCES + 128;
const LENGTHS = ALIGNMENT + 16;
/** Within those of lengths: two choices, then short and middle ones for each position, then long ones. */
const SHORT = 2;
const MIDDLE = SHORT + 16 * 8;
const LONG = MIDDLE + 16 * 8;
const REPEATED_LENGTHS = LENGTHS + LONG + 256;
const LITERALS = REPEATED_LENGTHS + LONG + 256;

/** More than any symbol takes of the input. */
const LONGEST_SYMBOL_BYTES = 32;
const OUTPUT_BYTES = 256 * 1024;

/**
 * Decodes LZMA, after Igor Pavlov's "LZMA specification" (2015, public domain): a range coder with adaptive bits, and a
 * window to copy from. Unlike xz, 7z has it without frames, for its headers at least.
 */
export class LzmaDecoder {
  readonly #probabilities: Uint16Array;
  readonly #literalContext: number;
  readonly #literalMask: number;
  readonly #positionMask: number;
  readonly #dictionary: number;
  readonly #window: Buffer;
  #size: number;
  /** Where the next byte goes in the window, and from where on it was not handed out yet. */
  #at = 0;
  #handedOut = 0;
  #ready: Buffer[] = [];
  #total = 0;
  #input: Buffer = Buffer.alloc(0);
  #read = 0;
  #isStarted = false;
  #isEnded = false;
  #range = 0xffffffff;
  #code = 0;
  #state = 0;
  #distances: [number, number, number, number] = [0, 0, 0, 0];

  /** @param properties as 7z has them: a byte of lc, lp and pb, and the dictionary's size @param size what comes of it, or Infinity where an end mark says it */
  constructor(properties: Buffer, size: number) {
    const byte = properties[0] ?? 255;
    if (properties.length !== 5 || byte >= 9 * 5 * 5) throw new LzmaDamaged();
    this.#literalContext = byte % 9;
    const literalPosition = Math.floor(byte / 9) % 5;
    this.#literalMask = (1 << literalPosition) - 1;
    this.#positionMask = (1 << Math.floor(byte / 45)) - 1;
    this.#dictionary = Math.max(4096, properties.readUInt32LE(1));
    this.#window = Buffer.alloc(Math.max(1, Math.min(this.#dictionary, size)));
    this.#size = size;
    this.#probabilities = new Uint16Array(LITERALS + (0x300 << (this.#literalContext + literalPosition))).fill(1024);
  }

  /** What follows the end mark, once it was read. */
  get rest(): Buffer | undefined {
    return this.#isEnded ? this.#input.subarray(this.#read) : undefined;
  }

  /**
   * What comes of more of the input.
   * @param hasRest whether something else may follow the end mark
   * @throws LzmaDamaged
   */
  *decode(input: Buffer, isLast: boolean, hasRest = false): Generator<Buffer> {
    this.#input = Buffer.concat([this.#input.subarray(this.#read), input]);
    this.#read = 0;
    if (!this.#start(isLast)) return;
    while (this.#total < this.#size && (isLast || this.#input.length - this.#read >= LONGEST_SYMBOL_BYTES)) {
      this.#symbol();
      if (this.#read > this.#input.length) throw new LzmaDamaged();
      if (this.#at - this.#handedOut >= OUTPUT_BYTES) this.#handOut();
      if (this.#ready.length > 0) yield* this.#ready.splice(0);
    }
    this.#handOut();
    yield* this.#ready.splice(0);
    if (this.#isEnded && this.#code !== 0) throw new LzmaDamaged();
    if (hasRest) return;
    // An end mark may follow, though the size is known; the code of whatever ends here is zero.
    if (isLast && this.#code !== 0) this.#symbol();
    if (isLast && (this.#code !== 0 || this.#read !== this.#input.length)) throw new LzmaDamaged();
  }

  #start(isLast: boolean): boolean {
    if (this.#isStarted) return true;
    if (this.#input.length < 5) {
      if (isLast) throw new LzmaDamaged();
      return false;
    }
    if (this.#input[0] !== 0) throw new LzmaDamaged();
    this.#code = this.#input.readUInt32BE(1);
    this.#read = 5;
    this.#isStarted = true;
    return true;
  }

  #handOut(): void {
    if (this.#at > this.#handedOut) this.#ready.push(Buffer.from(this.#window.subarray(this.#handedOut, this.#at)));
    this.#handedOut = this.#at;
  }

  /** A literal, a match, or the end mark. */
  #symbol(): void {
    const position = this.#total & this.#positionMask;
    const state = this.#state;
    if (this.#bit(IS_MATCH + (state << 4) + position) === 0) {
      if (this.#total === this.#size) throw new LzmaDamaged();
      this.#literal();
      return;
    }
    const distances = this.#distances;
    let length: number;
    if (this.#bit(IS_REPEATED + state) === 0) {
      length = this.#length(LENGTHS, position);
      this.#state = state < 7 ? 7 : 10;
      this.#distances = [this.#distance(length), distances[0], distances[1], distances[2]];
      if (
        this.#distances[0] === 0xffffffff &&
        (this.#total === this.#size || this.#size === Number.POSITIVE_INFINITY)
      ) {
        this.#size = this.#total;
        this.#isEnded = true;
        return;
      }
    } else {
      if (this.#bit(IS_FIRST + state) === 0) {
        if (this.#bit(IS_FIRST_LONG + (state << 4) + position) === 0) {
          this.#state = state < 7 ? 9 : 11;
          this.#copy(1);
          return;
        }
      } else if (this.#bit(IS_SECOND + state) === 0) {
        this.#distances = [distances[1], distances[0], distances[2], distances[3]];
      } else if (this.#bit(IS_THIRD + state) === 0) {
        this.#distances = [distances[2], distances[0], distances[1], distances[3]];
      } else {
        this.#distances = [distances[3], distances[0], distances[1], distances[2]];
      }
      length = this.#length(REPEATED_LENGTHS, position);
      this.#state = state < 7 ? 8 : 11;
    }
    this.#copy(length + 2);
  }

  #literal(): void {
    const before = this.#total === 0 ? 0 : this.#back(1);
    const context =
      ((this.#total & this.#literalMask) << this.#literalContext) + (before >>> (8 - this.#literalContext));
    const base = LITERALS + 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7) {
      let match = this.#back(this.#distances[0] + 1);
      while (symbol < 0x100) {
        const expected = (match >>> 7) & 1;
        match <<= 1;
        const bit = this.#bit(base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    this.#put(symbol & 255);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  /** The byte this many before the next one. */
  #back(distance: number): number {
    const from = this.#at - distance;
    return this.#window[from < 0 ? from + this.#window.length : from] ?? 0;
  }

  #put(byte: number): void {
    if (this.#at === this.#window.length) {
      this.#handOut();
      this.#at = 0;
      this.#handedOut = 0;
    }
    this.#window[this.#at] = byte;
    this.#at += 1;
    this.#total += 1;
  }

  #copy(length: number): void {
    const distance = this.#distances[0] + 1;
    if (distance > this.#total || distance > this.#dictionary || length > this.#size - this.#total)
      throw new LzmaDamaged();
    for (let left = length; left > 0; left -= 1) this.#put(this.#back(distance));
  }

  #length(base: number, position: number): number {
    if (this.#bit(base) === 0) return this.#tree(base + SHORT + (position << 3), 3);
    if (this.#bit(base + 1) === 0) return 8 + this.#tree(base + MIDDLE + (position << 3), 3);
    return 16 + this.#tree(base + LONG, 8);
  }

  /** Less one, as everywhere here. */
  #distance(length: number): number {
    const slot = this.#tree(SLOTS + (Math.min(length, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >>> 1) - 1;
    const start = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return start + this.#reverseTree(MIDDLE_DISTANCES + start - slot, bits);
    return start + this.#direct(bits - 4) * 16 + this.#reverseTree(ALIGNMENT, 4);
  }

  #tree(base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i += 1) symbol = (symbol << 1) | this.#bit(base + symbol);
    return symbol - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let at = 1;
    let symbol = 0;
    for (let i = 0; i < bits; i += 1) {
      const bit = this.#bit(base + at);
      at = (at << 1) | bit;
      symbol |= bit << i;
    }
    return symbol;
  }

  #direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i += 1) {
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      this.#refill();
      value = value * 2 + bit;
    }
    return value;
  }

  #bit(index: number): number {
    const probability = this.#probabilities[index] ?? 0;
    const bound = (this.#range >>> 11) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2048 - probability) >>> 5);
      this.#refill();
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    this.#probabilities[index] = probability - (probability >>> 5);
    this.#refill();
    return 1;
  }

  #refill(): void {
    if (this.#range >= 0x1000000) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | (this.#input[this.#read] ?? 0)) >>> 0;
    this.#read += 1;
  }
}

export class LzmaDamaged extends Error {}
