/** The unit in which memory is handed out: a context, or two states. */
export const UNIT_BYTES = 12;
const STATE_BYTES = 6;
const SIZES = 38;

/** How many units a block of each size has, and which size has room for a number of them. */
const UNITS_OF = new Uint8Array(SIZES);
const SIZE_OF = new Uint8Array(129);
for (let size = 0, units = 0; size < SIZES; size += 1) {
  for (let step = size >= 12 ? 4 : (size >> 2) + 1; step > 0; step -= 1) {
    units += 1;
    SIZE_OF[units] = size;
  }
  UNITS_OF[size] = units;
}
const unitsOf = (size: number) => UNITS_OF[size] ?? 0;
const sizeOf = (units: number) => SIZE_OF[units] ?? 0;

/**
 * The memory of a model of PPMd. Text grows from its start, contexts from its end, states of several symbols in between. A context
 * is: how many states it has, the sum of their frequencies, where they are, and the context that is one shorter; a state is
 * a symbol, its frequency, and where the context is that follows. Places are offsets, and 0 is none.
 */
export class PpmdHeap {
  /** Where the next byte of text goes. */
  text = 0;
  /** The room between states and contexts. */
  low = 0;
  high = 0;
  readonly #size: number;
  readonly #start: number;
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  readonly #free = new Uint32Array(SIZES);
  #unitsStart = 0;
  #glueIn = 0;

  constructor(size: number) {
    this.#size = size;
    this.#start = 4 - (size & 3);
    const memory = new ArrayBuffer(this.#start + size + UNIT_BYTES);
    this.#bytes = new Uint8Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#words = new Uint32Array(memory);
  }

  restart(): void {
    this.#free.fill(0);
    this.text = this.#start;
    this.high = this.text + this.#size;
    this.low = this.high - Math.floor(this.#size / 8 / UNIT_BYTES) * 7 * UNIT_BYTES;
    this.#unitsStart = this.low;
    this.#glueIn = 0;
  }

  byte(at: number): number {
    return this.#bytes[at] ?? 0;
  }

  /** @returns whether there was room */
  addText(byte: number): boolean {
    this.#bytes[this.text] = byte;
    this.text += 1;
    return this.text < this.#unitsStart;
  }

  count(context: number): number {
    return this.#halves[context >>> 1] ?? 0;
  }

  setCount(context: number, value: number): void {
    this.#halves[context >>> 1] = value;
  }

  sum(context: number): number {
    return this.#halves[(context >>> 1) + 1] ?? 0;
  }

  setSum(context: number, value: number): void {
    this.#halves[(context >>> 1) + 1] = value;
  }

  stats(context: number): number {
    return this.#words[(context >>> 2) + 1] ?? 0;
  }

  setStats(context: number, value: number): void {
    this.#words[(context >>> 2) + 1] = value;
  }

  suffix(context: number): number {
    return this.#words[(context >>> 2) + 2] ?? 0;
  }

  setSuffix(context: number, value: number): void {
    this.#words[(context >>> 2) + 2] = value;
  }

  symbol(state: number): number {
    return this.#bytes[state] ?? 0;
  }

  frequency(state: number): number {
    return this.#bytes[state + 1] ?? 0;
  }

  setFrequency(state: number, value: number): void {
    this.#bytes[state + 1] = value;
  }

  successor(state: number): number {
    const half = (state >>> 1) + 1;
    return ((this.#halves[half] ?? 0) | ((this.#halves[half + 1] ?? 0) << 16)) >>> 0;
  }

  setSuccessor(state: number, value: number): void {
    const half = (state >>> 1) + 1;
    this.#halves[half] = value & 0xffff;
    this.#halves[half + 1] = value >>> 16;
  }

  setState(state: number, symbol: number, frequency: number, successor: number): void {
    this.#bytes[state] = symbol;
    this.#bytes[state + 1] = frequency;
    this.setSuccessor(state, successor);
  }

  copyState(to: number, from: number): void {
    this.#bytes.copyWithin(to, from, from + STATE_BYTES);
  }

  swapStates(one: number, other: number): void {
    const [symbol, frequency, successor] = [this.symbol(one), this.frequency(one), this.successor(one)];
    this.copyState(one, other);
    this.setState(other, symbol, frequency, successor);
  }

  /** The state of a symbol that a context of several has. */
  find(context: number, symbol: number): number {
    let state = this.stats(context);
    while (this.#bytes[state] !== symbol) state += STATE_BYTES;
    return state;
  }

  /** Puts a state before all others, which follow in the same order. */
  moveToFront(stats: number, state: number): void {
    const [symbol, frequency, successor] = [this.symbol(state), this.frequency(state), this.successor(state)];
    this.#bytes.copyWithin(stats + STATE_BYTES, stats, state);
    this.setState(stats, symbol, frequency, successor);
  }

  /** Moves a state before those that are less frequent. */
  sortDown(stats: number, state: number): void {
    const frequency = this.frequency(state);
    if (frequency <= this.frequency(state - STATE_BYTES)) return;
    const [symbol, successor] = [this.symbol(state), this.successor(state)];
    let at = state;
    do at -= STATE_BYTES;
    while (at !== stats && frequency > this.frequency(at - STATE_BYTES));
    this.#bytes.copyWithin(at + STATE_BYTES, at, state);
    this.setState(at, symbol, frequency, successor);
  }

  /** Makes room for one more unit of states. @returns false where there is none */
  growStats(context: number, units: number): boolean {
    const size = sizeOf(units);
    if (size === sizeOf(units + 1)) return true;
    const made = this.allocate(size + 1);
    if (made === 0) return false;
    const old = this.stats(context);
    this.#bytes.copyWithin(made, old, old + units * UNIT_BYTES);
    this.#insert(old, size);
    this.setStats(context, made);
    return true;
  }

  shrinkStats(context: number, units: number, fewer: number): void {
    if (units === fewer) return;
    const [from, to] = [sizeOf(units), sizeOf(fewer)];
    if (from === to) return;
    const old = this.stats(context);
    if (this.#free[to] === 0) {
      this.#split(old, from, to);
      return;
    }
    const made = this.#remove(to);
    this.#bytes.copyWithin(made, old, old + fewer * UNIT_BYTES);
    this.#insert(old, from);
    this.setStats(context, made);
  }

  free(at: number, units: number): void {
    this.#insert(at, sizeOf(units));
  }

  /** @returns 0 where there is no room */
  allocateContext(): number {
    if (this.high !== this.low) {
      this.high -= UNIT_BYTES;
      return this.high;
    }
    return this.#free[0] === 0 ? this.#allocateRare(0) : this.#remove(0);
  }

  /** @returns a block of a size; 0 where there is no room */
  allocate(size: number): number {
    if (this.#free[size] !== 0) return this.#remove(size);
    const bytes = unitsOf(size) * UNIT_BYTES;
    if (bytes > this.high - this.low) return this.#allocateRare(size);
    this.low += bytes;
    return this.low - bytes;
  }

  #allocateRare(size: number): number {
    if (this.#glueIn === 0) {
      this.#glue();
      if (this.#free[size] !== 0) return this.#remove(size);
    }
    for (let larger = size + 1; larger < SIZES; larger += 1) {
      if (this.#free[larger] === 0) continue;
      const block = this.#remove(larger);
      this.#split(block, larger, size);
      return block;
    }
    const bytes = unitsOf(size) * UNIT_BYTES;
    this.#glueIn -= 1;
    if (this.#unitsStart - this.text <= bytes) return 0;
    this.#unitsStart -= bytes;
    return this.#unitsStart;
  }

  #insert(at: number, size: number): void {
    this.#words[at >>> 2] = this.#free[size] ?? 0;
    this.#free[size] = at;
  }

  #remove(size: number): number {
    const at = this.#free[size] ?? 0;
    this.#free[size] = this.#words[at >>> 2] ?? 0;
    return at;
  }

  /** Frees what of a block is more than a smaller one. */
  #split(at: number, from: number, to: number): void {
    this.#insertUnits(at + unitsOf(to) * UNIT_BYTES, unitsOf(from) - unitsOf(to));
  }

  #insertUnits(at: number, units: number): void {
    let size = sizeOf(units);
    if (unitsOf(size) !== units) {
      size -= 1;
      const part = unitsOf(size);
      this.#insert(at + part * UNIT_BYTES, units - part - 1);
    }
    this.#insert(at, size);
  }

  /** Joins free blocks that lie beside each other. A free one begins with 0 now, then its units, the next, the one before. */
  #glue(): void {
    const head = this.#start + this.#size;
    const [halves, words] = [this.#halves, this.#words];
    const next = (at: number) => words[(at >>> 2) + 1] ?? 0;
    const setNext = (at: number, value: number) => {
      words[(at >>> 2) + 1] = value;
    };
    const setBefore = (at: number, value: number) => {
      words[(at >>> 2) + 2] = value;
    };
    const unitsAt = (at: number) => halves[(at >>> 1) + 1] ?? 0;
    this.#glueIn = 255;
    let last = head;
    for (let size = 0; size < SIZES; size += 1) {
      let at = this.#free[size] ?? 0;
      this.#free[size] = 0;
      while (at !== 0) {
        setNext(at, last);
        setBefore(last, at);
        last = at;
        const following = words[at >>> 2] ?? 0;
        halves[at >>> 1] = 0;
        halves[(at >>> 1) + 1] = unitsOf(size);
        at = following;
      }
    }
    halves[head >>> 1] = 1;
    setNext(head, last);
    setBefore(last, head);
    if (this.low !== this.high) halves[this.low >>> 1] = 1;
    for (let at = last; at !== head; at = next(at)) {
      for (;;) {
        const beside = at + unitsAt(at) * UNIT_BYTES;
        const units = unitsAt(at) + unitsAt(beside);
        if (halves[beside >>> 1] !== 0 || units >= 0x10000) break;
        const before = words[(beside >>> 2) + 2] ?? 0;
        setNext(before, next(beside));
        setBefore(next(beside), before);
        halves[(at >>> 1) + 1] = units;
      }
    }
    for (let at = next(head); at !== head; ) {
      const following = next(at);
      let units = unitsAt(at);
      for (; units > 128; units -= 128, at += 128 * UNIT_BYTES) this.#insert(at, SIZES - 1);
      this.#insertUnits(at, units);
      at = following;
    }
  }
}
