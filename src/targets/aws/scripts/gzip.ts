import { crc32 } from 'node:zlib';

/** What DEFLATE can refer back to, and how much at once. */
const WINDOW = 32 * 1024;
const LONGEST = 258;
const SHORTEST = 3;
/** The first length and distance of each code; each step has as many more bits as it needs. */
const LENGTHS = starts(3, [...Array(8).fill(0), 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]);
const DISTANCES = starts(1, [0, 0, ...Array.from({ length: 14 }, (_, i) => [i, i]).flat()]);

/**
 * Text as a gzip file (RFC 1951, 1952) that is the same wherever it is made: zlib's differs between versions of Node and
 * kinds of processor, and a host whose user data differs is another host. For small texts: it looks at all that came before.
 */
export function gzip(text: string): Buffer {
  const data = Buffer.from(text);
  const bits = new Bits();
  // One block, the last, of fixed codes.
  bits.add(1, 1);
  bits.add(1, 2);
  const nearest = nearestAlike(data);
  for (let at = 0; at < data.length; ) {
    const { length, distance } = longestMatch(data, at, nearest);
    if (length < SHORTEST) {
      bits.addCode(data[at] ?? 0);
      at += 1;
      continue;
    }
    addLength(bits, length);
    addStepped(bits, DISTANCES, distance, (code) => bits.addReversed(code, 5));
    at += length;
  }
  bits.addCode(256);
  const end = Buffer.alloc(8);
  end.writeUInt32LE(crc32(data), 0);
  end.writeUInt32LE(data.length, 4);
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]), bits.bytes(), end]);
}

/** By each place: the nearest one before it where the same three bytes are, the least that is worth a reference; -1 where none is. */
function nearestAlike(data: Buffer): Int32Array {
  const nearest = new Int32Array(data.length).fill(-1);
  const last = new Map<number, number>();
  for (let at = 0; at + SHORTEST <= data.length; at++) {
    const three = data.readUIntBE(at, SHORTEST);
    nearest[at] = last.get(three) ?? -1;
    last.set(three, at);
  }
  return nearest;
}

function longestMatch(data: Buffer, at: number, nearest: Int32Array): { length: number; distance: number } {
  const best = { length: 0, distance: 0 };
  // The nearest of the longest: its distance is the cheapest.
  for (let from = nearest[at] ?? -1; from >= 0 && at - from <= WINDOW; from = nearest[from] ?? -1) {
    let length = SHORTEST;
    while (length < LONGEST && at + length < data.length && data[from + length] === data[at + length]) length++;
    if (length > best.length) Object.assign(best, { length, distance: at - from });
  }
  return best;
}

function addLength(bits: Bits, length: number): void {
  if (length === LONGEST) bits.addCode(285);
  else addStepped(bits, LENGTHS, length, (code) => bits.addCode(257 + code));
}

interface Step {
  first: number;
  extra: number;
}

function starts(first: number, extras: number[]): Step[] {
  let next = first;
  return extras.map((extra) => {
    const step = { first: next, extra };
    next += 2 ** extra;
    return step;
  });
}

function addStepped(bits: Bits, steps: Step[], value: number, addCode: (code: number) => void): void {
  const code = steps.findLastIndex(({ first }) => first <= value);
  const step = steps[code] ?? { first: value, extra: 0 };
  addCode(code);
  bits.add(value - step.first, step.extra);
}

/** Bits, the lowest of each byte first. */
class Bits {
  readonly #bytes: number[] = [];
  #used = 8;

  add(value: number, count: number): void {
    for (let bit = 0; bit < count; bit++) {
      if (this.#used === 8) {
        this.#bytes.push(0);
        this.#used = 0;
      }
      this.#bytes[this.#bytes.length - 1] = (this.#bytes.at(-1) ?? 0) | (((value >> bit) & 1) << this.#used);
      this.#used += 1;
    }
  }

  /** As codes of Huffman are written: the highest bit first. */
  addReversed(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) this.add((value >> bit) & 1, 1);
  }

  /** A literal byte, the end (256), or a length (257 and above), by the fixed code. */
  addCode(symbol: number): void {
    if (symbol < 144) this.addReversed(0x30 + symbol, 8);
    else if (symbol < 256) this.addReversed(0x190 + symbol - 144, 9);
    else if (symbol < 280) this.addReversed(symbol - 256, 7);
    else this.addReversed(0xc0 + symbol - 280, 8);
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}
