import type { ArchiveReason } from '../../../core/archive-reasons.js';

/** One block of bzip2: Huffman codes, move to front, the Burrows-Wheeler transform and runs, undone in this order. */

const MAX_CODE_LENGTH = 20;
const MAX_SYMBOLS = 258;
/** Codes up to this length are looked up in one step. */
const FAST_BITS = 10;
/** After this many symbols another table may be used. */
const GROUP_SYMBOLS = 50;
const MAX_SELECTORS = 18_002;

/** The bytes given do not hold the whole block. */
export class BlockCutOff extends Error {}
/** What the block says cannot be. */
export class BlockDamaged extends Error {
  readonly reason: ArchiveReason<'ARCHIVE_INVALID'>;

  constructor(message: string, reason: ArchiveReason<'ARCHIVE_INVALID'> = 'malformed') {
    super(message);
    this.reason = reason;
  }
}

/** Bits from the first one of each byte on. */
export class BitReader {
  readonly bytes: Uint8Array;
  /** In bits. */
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  /** Up to 24 bits. */
  read(count: number): number {
    const { bytes, position } = this;
    if (position + count > bytes.length * 8) throw new BlockCutOff('the block is cut off');
    const at = position >>> 3;
    const word =
      ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    this.position = position + count;
    return (word << (position & 7)) >>> (32 - count);
  }
}

interface HuffmanTable {
  /** By the next `FAST_BITS` bits: symbol and length (5 bits), or 0. */
  fast: Uint16Array;
  /** By length: the last code of it, less than 0 where there is none; what to take off a code to find its symbol. */
  limit: Int32Array;
  offset: Int32Array;
  symbols: Uint16Array;
}

/** A block's bytes before its runs are undone: `table` is read from `table[origin] >>> 8` on, a byte and a way on in each. */
export interface Bzip2Block {
  table: Uint32Array;
  length: number;
  origin: number;
}

/**
 * Reads a block that begins behind its checksum. `table` is used for the result, and must have the level's size.
 * @throws BlockCutOff, BlockDamaged
 */
export function readBlock(bits: BitReader, table: Uint32Array): Bzip2Block {
  if (bits.read(1) !== 0) throw new BlockDamaged('a block is randomised, as bzip2 has not made any since 1997');
  const origin = bits.read(24);
  const alphabet = readAlphabet(bits);
  const tableCount = bits.read(3);
  const selectorCount = bits.read(15);
  if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw new BlockDamaged('its tables are impossible');
  const selectors = readSelectors(bits, tableCount, selectorCount);
  const tables = Array.from({ length: tableCount }, () => readTable(bits, alphabet.length + 2));
  const length = readSymbols(bits, alphabet, selectors, tables, table);
  if (origin >= length) throw new BlockDamaged('it begins behind its end');
  linkUp(table, length);
  return { table, length, origin };
}

/** The bytes that occur. */
function readAlphabet(bits: BitReader): Uint8Array {
  const groups = bits.read(16);
  const found: number[] = [];
  for (let group = 0; group < 16; group += 1) {
    if (((groups >>> (15 - group)) & 1) === 0) continue;
    const members = bits.read(16);
    for (let i = 0; i < 16; i += 1) if ((members >>> (15 - i)) & 1) found.push(group * 16 + i);
  }
  if (found.length === 0) throw new BlockDamaged('it is empty');
  return Uint8Array.from(found);
}

function readSelectors(bits: BitReader, tableCount: number, count: number): Uint8Array {
  const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS));
  const recent = Array.from({ length: tableCount }, (_, i) => i);
  for (let i = 0; i < count; i += 1) {
    let place = 0;
    while (bits.read(1) === 1) {
      place += 1;
      if (place >= tableCount) throw new BlockDamaged('a table is chosen that is not there');
    }
    const [chosen = 0] = recent.splice(place, 1);
    recent.unshift(chosen);
    if (i < selectors.length) selectors[i] = chosen;
  }
  return selectors;
}

function readTable(bits: BitReader, symbolCount: number): HuffmanTable {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_LENGTH) throw new BlockDamaged('a code has an impossible length');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const fast = new Uint16Array(1 << FAST_BITS);
  const limit = new Int32Array(MAX_CODE_LENGTH + 2).fill(-1);
  const offset = new Int32Array(MAX_CODE_LENGTH + 2);
  const symbols = new Uint16Array(MAX_SYMBOLS);
  let code = 0;
  let place = 0;
  for (let bitCount = 1; bitCount <= MAX_CODE_LENGTH; bitCount += 1) {
    offset[bitCount] = code - place;
    for (let symbol = 0; symbol < symbolCount; symbol += 1) {
      if (lengths[symbol] !== bitCount) continue;
      if (code >= 1 << bitCount) throw new BlockDamaged('its codes are ambiguous');
      if (bitCount <= FAST_BITS) {
        const spare = FAST_BITS - bitCount;
        fast.fill((symbol << 5) | bitCount, code << spare, (code + 1) << spare);
      }
      symbols[place] = symbol;
      place += 1;
      code += 1;
    }
    limit[bitCount] = code - 1;
    code <<= 1;
  }
  return { fast, limit, offset, symbols };
}

/** Undoes the codes, the runs of the most recent byte, and the move to front; returns how many bytes there are. */
function readSymbols(
  bits: BitReader,
  alphabet: Uint8Array,
  selectors: Uint8Array,
  tables: HuffmanTable[],
  out: Uint32Array,
): number {
  const { bytes } = bits;
  const end = alphabet.length + 1;
  const recent = Uint8Array.from(alphabet);
  const room = out.length;
  let at = bits.position >>> 3;
  let held = 8 - (bits.position & 7);
  let window = (bytes[at] ?? 0) & ((1 << held) - 1);
  at += 1;
  let length = 0;
  let run = 0;
  let runBit = 1;

  for (const selector of selectors) {
    const table = tables[selector];
    if (table === undefined) throw new BlockDamaged('a table is chosen that is not there');
    const { fast, limit, offset, symbols } = table;
    for (let i = 0; i < GROUP_SYMBOLS; i += 1) {
      while (held < MAX_CODE_LENGTH) {
        window = (window << 8) | (bytes[at] ?? 0);
        at += 1;
        held += 8;
      }
      const quick = fast[(window >>> (held - FAST_BITS)) & ((1 << FAST_BITS) - 1)] ?? 0;
      let symbol: number;
      if (quick !== 0) {
        symbol = quick >>> 5;
        held -= quick & 31;
      } else {
        let bitCount = FAST_BITS + 1;
        let code = 0;
        for (; bitCount <= MAX_CODE_LENGTH; bitCount += 1) {
          code = (window >>> (held - bitCount)) & ((1 << bitCount) - 1);
          if (code <= (limit[bitCount] ?? -1)) break;
        }
        if (bitCount > MAX_CODE_LENGTH) throw wrongCode();
        symbol = symbols[code - (offset[bitCount] ?? 0)] ?? end;
        held -= bitCount;
      }
      if (symbol <= 1) {
        // Runs are numbers in base 2 with the digits 1 and 2.
        if (runBit > room) throw tooLong();
        run += runBit << symbol;
        runBit <<= 1;
        continue;
      }
      if (run > 0) {
        if (length + run > room) throw tooLong();
        out.fill(recent[0] ?? 0, length, length + run);
        length += run;
        run = 0;
        runBit = 1;
      }
      if (symbol === end) {
        if (at - (held >>> 3) > bytes.length) throw new BlockCutOff('the block is cut off');
        bits.position = at * 8 - held;
        return length;
      }
      if (length >= room) throw tooLong();
      const place = symbol - 1;
      const byte = recent[place] ?? 0;
      if (place < 16) for (let j = place; j > 0; j -= 1) recent[j] = recent[j - 1] ?? 0;
      else recent.copyWithin(1, 0, place);
      recent[0] = byte;
      out[length] = byte;
      length += 1;
    }
    if (at - 4 > bytes.length) throw new BlockCutOff('the block is cut off');
  }
  throw new BlockDamaged('it does not end');

  function wrongCode(): Error {
    return at > bytes.length ? new BlockCutOff('the block is cut off') : new BlockDamaged('it has an unknown code');
  }
  function tooLong(): Error {
    return at > bytes.length
      ? new BlockCutOff('the block is cut off')
      : new BlockDamaged('it is longer than its level');
  }
}

/** Burrows-Wheeler: the n-th place of a byte in the last column is followed by its n-th place in the sorted one. */
function linkUp(table: Uint32Array, length: number): void {
  const next = new Uint32Array(256);
  for (let i = 0; i < length; i += 1) next[(table[i] ?? 0) & 255] = (next[(table[i] ?? 0) & 255] ?? 0) + 1;
  let sum = 0;
  for (let byte = 0; byte < 256; byte += 1) {
    const count = next[byte] ?? 0;
    next[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i += 1) {
    const byte = (table[i] ?? 0) & 255;
    const place = next[byte] ?? 0;
    next[byte] = place + 1;
    table[place] = (table[place] ?? 0) | (i << 8);
  }
}
