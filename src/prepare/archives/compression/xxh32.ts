const [P1, P2, P3, P4, P5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const;
const STRIPE_BYTES = 16;

/** xxHash of 32 bits, with the seed 0, as lz4 has it ("xxHash fast digest algorithm"). */
export class Xxh32 {
  readonly #lanes: [number, number, number, number] = [(P1 + P2) | 0, P2 | 0, 0, -P1 | 0];
  #rest: Buffer = Buffer.alloc(0);
  #total = 0;

  static of(bytes: Buffer): number {
    const sum = new Xxh32();
    sum.update(bytes);
    return sum.digest();
  }

  update(piece: Buffer): void {
    this.#total += piece.length;
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, piece]) : piece;
    let [a, b, c, d] = this.#lanes;
    let at = 0;
    for (; at + STRIPE_BYTES <= bytes.length; at += STRIPE_BYTES) {
      a = round(a, bytes.readInt32LE(at));
      b = round(b, bytes.readInt32LE(at + 4));
      c = round(c, bytes.readInt32LE(at + 8));
      d = round(d, bytes.readInt32LE(at + 12));
    }
    this.#lanes.splice(0, 4, a, b, c, d);
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  digest(): number {
    const [a, b, c, d] = this.#lanes;
    const joined = rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18);
    let sum = ((this.#total >= STRIPE_BYTES ? joined : P5) + this.#total) | 0;
    let at = 0;
    for (; at + 4 <= this.#rest.length; at += 4)
      sum = Math.imul(rotated((sum + Math.imul(this.#rest.readInt32LE(at), P3)) | 0, 17), P4);
    for (; at < this.#rest.length; at += 1)
      sum = Math.imul(rotated((sum + Math.imul(this.#rest[at] ?? 0, P5)) | 0, 11), P1);
    sum = Math.imul(sum ^ (sum >>> 15), P2);
    sum = Math.imul(sum ^ (sum >>> 13), P3);
    return (sum ^ (sum >>> 16)) >>> 0;
  }
}

function round(lane: number, word: number): number {
  return Math.imul(rotated((lane + Math.imul(word, P2)) | 0, 13), P1);
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
