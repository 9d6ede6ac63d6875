import { PpmdHeap, UNIT_BYTES } from './ppmd-heap.js';
import { RangeDecoder } from './ppmd-range.js';

/**
 * PPMd, variant H, as 7z has it: after Dmitry Shkarin's program and Igor Pavlov's `Ppmd7.c` (both public domain), from which
 * the constants are. A model of what follows the last few bytes is kept in one stretch of memory and grows until that is
 * full, then it starts again: so memory is handed out exactly as the compressor did.
 */

const MAX_ORDER = 64;
const MIN_ORDER = 2;
const MIN_MEMORY_BYTES = 2 ** 11;
const MAX_MEMORY_BYTES = 2 ** 28;
const OUTPUT_BYTES = 64 * 1024;
/** More than any symbol takes of the input: two bytes for each order. */
const LONGEST_SYMBOL_BYTES = 4 * MAX_ORDER;

const MAX_FREQUENCY = 124;
const PERIOD_BITS = 7;
const BINARY_TOTAL = 2 ** 14;
const FIRST_ESCAPES = [0x3cdd, 0x1f3f, 0x59bf, 0x48f3, 0x64a1, 0x5abc, 0x6632, 0x6051];
const ESCAPES = [25, 14, 9, 7, 5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 2];

const STATE_BYTES = 6;
/** Where a context has its only state, in the place of what it would say of several. */
const ONE_STATE = 2;

export class PpmdDamaged extends Error {}

/** @param memory of the model, in bytes @param size what comes of it @throws PpmdDamaged */
export async function* unppmd(
  packed: AsyncIterable<Buffer>,
  order: number,
  memory: number,
  size: number,
): AsyncGenerator<Buffer> {
  if (order < MIN_ORDER || order > MAX_ORDER || memory < MIN_MEMORY_BYTES || memory > MAX_MEMORY_BYTES)
    throw new PpmdDamaged();
  const range = new RangeDecoder(packed);
  if (!(await range.start())) throw new PpmdDamaged();
  const model = new PpmdModel(order, memory);
  for (let total = 0; total < size; ) {
    const output = Buffer.allocUnsafe(Math.min(OUTPUT_BYTES, size - total));
    for (let at = 0; at < output.length; at += 1) {
      if (range.left < LONGEST_SYMBOL_BYTES) await range.more(LONGEST_SYMBOL_BYTES);
      const symbol = model.decode(range);
      if (symbol < 0 || range.isCutOff) throw new PpmdDamaged();
      output[at] = symbol;
    }
    total += output.length;
    yield output;
  }
  if (!(await range.isFinished())) throw new PpmdDamaged();
}

/** Numbers of statistics to the class of their estimates of escapes, and to that of binary contexts. */
const ESCAPE_CLASS = new Uint8Array(256);
const BINARY_CLASS = new Uint8Array(256).fill(6);
BINARY_CLASS.fill(4, 0, 11);
BINARY_CLASS.set([0, 2]);
for (let i = 0, value = 0, left = 1; i < 256; i += 1) {
  if (i < 3) {
    ESCAPE_CLASS[i] = i;
    value = 3;
    continue;
  }
  ESCAPE_CLASS[i] = value;
  left -= 1;
  if (left === 0) {
    value += 1;
    left = value - 2;
  }
}
const highFlag = (symbol: number) => (symbol < 0x40 ? 0 : 8);

class PpmdModel {
  readonly #heap: PpmdHeap;
  readonly #order: number;
  readonly #binary = new Uint16Array(128 * 64);
  readonly #escapeSums = new Uint16Array(25 * 16 + 1);
  readonly #escapeShifts = new Uint8Array(25 * 16 + 1);
  readonly #escapeCounts = new Uint8Array(25 * 16 + 1);
  /** By symbol: whether it was ruled out already for the one that is decoded. */
  readonly #masked = new Uint8Array(256);
  readonly #candidates = new Uint32Array(256);
  #context = 0;
  #longest = 0;
  #found = 0;
  #orderFall = 0;
  #firstEscape = 0;
  #wasLikely = 0;
  #highFlag = 0;
  #runLength = 0;
  #firstRunLength = 0;

  constructor(order: number, memory: number) {
    this.#order = order;
    this.#heap = new PpmdHeap(memory);
    this.#restart();
  }

  #restart(): void {
    const heap = this.#heap;
    heap.restart();
    this.#orderFall = this.#order;
    this.#firstRunLength = -Math.min(this.#order, 12) - 1;
    this.#runLength = this.#firstRunLength;
    this.#wasLikely = 0;
    heap.high -= UNIT_BYTES;
    this.#context = heap.high;
    this.#longest = heap.high;
    this.#found = heap.low;
    heap.low += 128 * UNIT_BYTES;
    heap.setCount(this.#context, 256);
    heap.setSum(this.#context, 257);
    heap.setStats(this.#context, this.#found);
    heap.setSuffix(this.#context, 0);
    for (let i = 0; i < 256; i += 1) heap.setState(this.#found + i * STATE_BYTES, i, 1, 0);
    for (let i = 0; i < 128; i += 1) {
      for (let k = 0; k < 8; k += 1) {
        const value = BINARY_TOTAL - Math.floor((FIRST_ESCAPES[k] ?? 0) / (i + 2));
        for (let m = 0; m < 64; m += 8) this.#binary[i * 64 + k + m] = value;
      }
    }
    for (let i = 0; i < 25; i += 1) this.#escapeSums.fill((5 * i + 10) << (PERIOD_BITS - 4), i * 16, i * 16 + 16);
    this.#escapeShifts.fill(PERIOD_BITS - 4);
    this.#escapeCounts.fill(4);
    // The last one is that of the context in which all symbols are.
    this.#escapeShifts[25 * 16] = PERIOD_BITS;
    this.#escapeSums[25 * 16] = 0;
    this.#escapeCounts[25 * 16] = 64;
  }

  /** @returns the next byte; less than 0 where there is none */
  decode(range: RangeDecoder): number {
    const heap = this.#heap;
    this.#masked.fill(0);
    if (heap.count(this.#context) !== 1) {
      const symbol = this.#among(range);
      if (symbol !== undefined) return symbol;
    } else {
      const state = this.#context + ONE_STATE;
      const index = this.#binaryIndex(state);
      const probability = this.#binary[index] ?? 0;
      const mean = (probability + 32) >>> PERIOD_BITS;
      if (range.bit(probability, BINARY_TOTAL) === 0) {
        this.#binary[index] = probability + 128 - mean;
        this.#found = state;
        const symbol = heap.symbol(state);
        const frequency = heap.frequency(state);
        heap.setFrequency(state, frequency + (frequency < 128 ? 1 : 0));
        this.#wasLikely = 1;
        this.#runLength += 1;
        this.#next();
        return symbol;
      }
      this.#binary[index] = probability - mean;
      this.#firstEscape = ESCAPES[(probability - mean) >>> 10] ?? 0;
      this.#masked[heap.symbol(state)] = 1;
      this.#wasLikely = 0;
    }
    return this.#inShorter(range);
  }

  #binaryIndex(state: number): number {
    const heap = this.#heap;
    this.#highFlag = highFlag(heap.symbol(this.#found));
    return (
      (heap.frequency(state) - 1) * 64 +
      this.#wasLikely +
      (BINARY_CLASS[heap.count(heap.suffix(this.#context)) - 1] ?? 0) +
      this.#highFlag +
      2 * highFlag(heap.symbol(state)) +
      ((this.#runLength >> 26) & 0x20)
    );
  }

  /** In a context of several symbols. @returns undefined for an escaped, -1 where that cannot be */
  #among(range: RangeDecoder): number | undefined {
    const heap = this.#heap;
    const context = this.#context;
    const sum = heap.sum(context);
    let state = heap.stats(context);
    const count = range.threshold(sum);
    let high = heap.frequency(state);
    if (count < high) {
      range.take(0, high);
      this.#found = state;
      const symbol = heap.symbol(state);
      this.#wasLikely = 2 * high > sum ? 1 : 0;
      this.#runLength += this.#wasLikely;
      heap.setSum(context, sum + 4);
      heap.setFrequency(state, high + 4);
      if (high + 4 > MAX_FREQUENCY) this.#rescale();
      this.#next();
      return symbol;
    }
    this.#wasLikely = 0;
    const states = heap.count(context);
    for (let i = 1; i < states; i += 1) {
      state += STATE_BYTES;
      const frequency = heap.frequency(state);
      high += frequency;
      if (high <= count) continue;
      range.take(high - frequency, frequency);
      const symbol = heap.symbol(state);
      this.#seenAgain(state);
      return symbol;
    }
    if (count >= sum) return -1;
    this.#highFlag = highFlag(heap.symbol(this.#found));
    range.take(high, sum - high);
    for (let i = 0; i < states; i += 1) this.#masked[heap.symbol(heap.stats(context) + i * STATE_BYTES)] = 1;
    return undefined;
  }

  #seenAgain(state: number): void {
    const heap = this.#heap;
    heap.setFrequency(state, heap.frequency(state) + 4);
    heap.setSum(this.#context, heap.sum(this.#context) + 4);
    this.#found = state;
    const before = state - STATE_BYTES;
    if (heap.frequency(state) > heap.frequency(before)) {
      heap.swapStates(state, before);
      this.#found = before;
      if (heap.frequency(before) > MAX_FREQUENCY) this.#rescale();
    }
    this.#next();
  }

  /** After an escaped: in shorter contexts, without what was ruled out. */
  #inShorter(range: RangeDecoder): number {
    const heap = this.#heap;
    for (;;) {
      const ruledOut = heap.count(this.#context);
      do {
        this.#orderFall += 1;
        const suffix = heap.suffix(this.#context);
        if (suffix === 0) return -1;
        this.#context = suffix;
      } while (heap.count(this.#context) === ruledOut);
      const number = heap.count(this.#context) - ruledOut;
      let high = 0;
      for (let i = 0, state = heap.stats(this.#context); i < number; state += STATE_BYTES) {
        if (this.#masked[heap.symbol(state)]) continue;
        high += heap.frequency(state);
        this.#candidates[i] = state;
        i += 1;
      }
      const see = this.#escapeIndex(ruledOut, number);
      const mean = (this.#escapeSums[see] ?? 0) >>> (this.#escapeShifts[see] ?? 0);
      if (see !== 25 * 16) this.#escapeSums[see] = (this.#escapeSums[see] ?? 0) - mean;
      const total = high + (see === 25 * 16 ? 1 : mean + (mean === 0 ? 1 : 0));
      const count = range.threshold(total);
      if (count < high) return this.#candidate(range, count, see);
      if (count >= total) return -1;
      range.take(high, total - high);
      this.#escapeSums[see] = (this.#escapeSums[see] ?? 0) + total;
      for (let i = 0; i < number; i += 1) this.#masked[heap.symbol(this.#candidates[i] ?? 0)] = 1;
    }
  }

  #candidate(range: RangeDecoder, count: number, see: number): number {
    const heap = this.#heap;
    let at = 0;
    let state = this.#candidates[0] ?? 0;
    let high = heap.frequency(state);
    while (high <= count) {
      at += 1;
      state = this.#candidates[at] ?? 0;
      high += heap.frequency(state);
    }
    const frequency = heap.frequency(state);
    range.take(high - frequency, frequency);
    this.#updateEscape(see);
    this.#found = state;
    const symbol = heap.symbol(state);
    heap.setSum(this.#context, heap.sum(this.#context) + 4);
    heap.setFrequency(state, frequency + 4);
    if (frequency + 4 > MAX_FREQUENCY) this.#rescale();
    this.#runLength = this.#firstRunLength;
    this.#update();
    return symbol;
  }

  #escapeIndex(ruledOut: number, number: number): number {
    const heap = this.#heap;
    const context = this.#context;
    const count = heap.count(context);
    if (count === 256) return 25 * 16;
    return (
      (ESCAPE_CLASS[number - 1] ?? 0) * 16 +
      (number < heap.count(heap.suffix(context)) - count ? 1 : 0) +
      (heap.sum(context) < 11 * count ? 2 : 0) +
      (ruledOut > number ? 4 : 0) +
      this.#highFlag
    );
  }

  #updateEscape(see: number): void {
    const shift = this.#escapeShifts[see] ?? 0;
    if (shift >= PERIOD_BITS) return;
    this.#escapeCounts[see] = (this.#escapeCounts[see] ?? 0) - 1;
    if (this.#escapeCounts[see] !== 0) return;
    this.#escapeSums[see] = (this.#escapeSums[see] ?? 0) << 1;
    this.#escapeCounts[see] = 3 << shift;
    this.#escapeShifts[see] = shift + 1;
  }

  #next(): void {
    const successor = this.#heap.successor(this.#found);
    if (this.#orderFall === 0 && successor > this.#heap.text) {
      this.#context = successor;
      this.#longest = successor;
    } else this.#update();
  }

  #update(): void {
    if (!this.#teach()) this.#restart();
  }

  /** Teaches the longer contexts what came after them. @returns false where the memory is full */
  #teach(): boolean {
    const heap = this.#heap;
    const symbol = heap.symbol(this.#found);
    const frequency = heap.frequency(this.#found);
    this.#teachSuffix(symbol, frequency);
    if (this.#orderFall === 0) {
      const context = this.#successors(true);
      if (context === 0) return false;
      this.#context = context;
      this.#longest = context;
      heap.setSuccessor(this.#found, context);
      return true;
    }
    if (!heap.addText(symbol)) return false;
    let successor = heap.text;
    let next = heap.successor(this.#found);
    if (next !== 0) {
      if (next <= successor) {
        next = this.#successors(false);
        if (next === 0) return false;
      }
      this.#orderFall -= 1;
      if (this.#orderFall === 0) {
        successor = next;
        if (this.#longest !== this.#context) heap.text -= 1;
      }
    } else {
      heap.setSuccessor(this.#found, successor);
      next = this.#context;
    }
    const count = heap.count(this.#context);
    const others = heap.sum(this.#context) - count - (heap.frequency(this.#found) - 1);
    for (let context = this.#longest; context !== this.#context; context = heap.suffix(context)) {
      if (!this.#add(context, { symbol, frequency: heap.frequency(this.#found), successor, count, others }))
        return false;
    }
    this.#context = next;
    this.#longest = next;
    return true;
  }

  #teachSuffix(symbol: number, frequency: number): void {
    const heap = this.#heap;
    const suffix = heap.suffix(this.#context);
    if (frequency >= MAX_FREQUENCY / 4 || suffix === 0) return;
    if (heap.count(suffix) === 1) {
      const state = suffix + ONE_STATE;
      if (heap.frequency(state) < 32) heap.setFrequency(state, heap.frequency(state) + 1);
      return;
    }
    const first = heap.stats(suffix);
    let state = heap.find(suffix, symbol);
    if (state !== first && heap.frequency(state) >= heap.frequency(state - STATE_BYTES)) {
      heap.swapStates(state, state - STATE_BYTES);
      state -= STATE_BYTES;
    }
    if (heap.frequency(state) >= MAX_FREQUENCY - 9) return;
    heap.setFrequency(state, heap.frequency(state) + 2);
    heap.setSum(suffix, heap.sum(suffix) + 2);
  }

  /** Adds a symbol to a context. @returns false where the memory is full */
  #add(
    context: number,
    {
      symbol,
      frequency,
      successor,
      count,
      others,
    }: Record<'symbol' | 'frequency' | 'successor' | 'count' | 'others', number>,
  ): boolean {
    const heap = this.#heap;
    const states = heap.count(context);
    if (states !== 1) {
      if (states % 2 === 0 && !heap.growStats(context, states / 2)) return false;
      const sum = heap.sum(context);
      const more = (2 * states < count ? 1 : 0) + (4 * states <= count && sum <= 8 * states ? 2 : 0);
      heap.setSum(context, sum + more);
    } else {
      const state = heap.allocate(0);
      if (state === 0) return false;
      heap.copyState(state, context + ONE_STATE);
      heap.setStats(context, state);
      const only = heap.frequency(state);
      heap.setFrequency(state, only < MAX_FREQUENCY / 4 - 1 ? only * 2 : MAX_FREQUENCY - 4);
      heap.setSum(context, heap.frequency(state) + this.#firstEscape + (count > 3 ? 1 : 0));
    }
    const sum = heap.sum(context);
    const weight = 2 * frequency * (sum + 6);
    const all = others + sum;
    const isRare = weight < 6 * all;
    const given = isRare
      ? 1 + (weight > all ? 1 : 0) + (weight >= 4 * all ? 1 : 0)
      : 4 + (weight >= 9 * all ? 1 : 0) + (weight >= 12 * all ? 1 : 0) + (weight >= 15 * all ? 1 : 0);
    heap.setSum(context, sum + (isRare ? 3 : given));
    heap.setState(heap.stats(context) + states * STATE_BYTES, symbol, given, successor);
    heap.setCount(context, states + 1);
    return true;
  }

  /** Makes contexts of what was only text so far. @returns the longest; 0 where the memory is full */
  #successors(skip: boolean): number {
    const heap = this.#heap;
    const symbol = heap.symbol(this.#found);
    const branch = heap.successor(this.#found);
    const states: number[] = skip ? [] : [this.#found];
    let context = this.#context;
    while (heap.suffix(context) !== 0) {
      context = heap.suffix(context);
      const state = heap.count(context) === 1 ? context + ONE_STATE : heap.find(context, symbol);
      const successor = heap.successor(state);
      if (successor !== branch) {
        context = successor;
        if (states.length === 0) return context;
        break;
      }
      states.push(state);
    }
    const next = heap.byte(branch);
    const frequency = this.#inherited(context, next);
    for (let state = states.pop(); state !== undefined; state = states.pop()) {
      const made = heap.allocateContext();
      if (made === 0) return 0;
      heap.setCount(made, 1);
      heap.setState(made + ONE_STATE, next, frequency, branch + 1);
      heap.setSuffix(made, context);
      heap.setSuccessor(state, made);
      context = made;
    }
    return context;
  }

  /** What the frequency of a symbol is in a context that is one longer. */
  #inherited(context: number, symbol: number): number {
    const heap = this.#heap;
    if (heap.count(context) === 1) return heap.frequency(context + ONE_STATE);
    const own = heap.frequency(heap.find(context, symbol)) - 1;
    const others = heap.sum(context) - heap.count(context) - own;
    if (2 * own <= others) return 1 + (5 * own > others ? 1 : 0);
    return (1 + Math.floor((2 * own + 3 * others - 1) / (2 * others))) & 255;
  }

  /** Halves all frequencies of a context, and drops what becomes none. */
  #rescale(): void {
    const heap = this.#heap;
    const context = this.#context;
    const stats = heap.stats(context);
    const count = heap.count(context);
    heap.moveToFront(stats, this.#found);
    const adder = this.#orderFall === 0 ? 0 : 1;
    let escaped = heap.sum(context) - heap.frequency(stats);
    let sum = (heap.frequency(stats) + 4 + adder) >>> 1;
    heap.setFrequency(stats, sum);
    for (let i = 1, state = stats + STATE_BYTES; i < count; i += 1, state += STATE_BYTES) {
      escaped -= heap.frequency(state);
      const frequency = (heap.frequency(state) + adder) >>> 1;
      heap.setFrequency(state, frequency);
      sum += frequency;
      heap.sortDown(stats, state);
    }
    let gone = 0;
    while (heap.frequency(stats + (count - 1 - gone) * STATE_BYTES) === 0) gone += 1;
    if (gone > 0) {
      escaped += gone;
      heap.setCount(context, count - gone);
      if (count - gone === 1) {
        let frequency = heap.frequency(stats);
        do {
          frequency -= frequency >>> 1;
          escaped >>>= 1;
        } while (escaped > 1);
        heap.setFrequency(stats, frequency);
        heap.copyState(context + ONE_STATE, stats);
        heap.free(stats, (count + 1) >>> 1);
        this.#found = context + ONE_STATE;
        return;
      }
      heap.shrinkStats(context, (count + 1) >>> 1, (count - gone + 1) >>> 1);
    }
    heap.setSum(context, sum + escaped - (escaped >>> 1));
    this.#found = heap.stats(context);
  }
}
