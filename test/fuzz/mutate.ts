/** Changes to bytes as damage and attackers make them. */

export type Random = () => number;

export const below = (random: Random, bound: number): number => Math.floor(random() * bound);

export function pick<T>(random: Random, list: readonly T[]): T {
  const item = list[below(random, list.length)];
  if (item === undefined) throw new RangeError('picked from nothing');
  return item;
}

/** Numbers at which formats break: the ends of their types, and what lies beside them. */
const EXTREMES = [
  0, 1, -1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];
const DIGITS = [
  '0',
  '1',
  '7',
  '8',
  '9',
  '-1',
  '00',
  '99',
  '4294967295',
  '99999999999999999999',
  '0x10',
  '1e3',
  'ffffffff',
];
const MAX_BYTES = 64 * 1024;

/** One to eight changes, one after another. `other` is what pieces may be taken from. */
export function mutated(bytes: Buffer, other: Buffer, dictionary: readonly string[], random: Random): Buffer {
  let result = bytes;
  for (let left = 1 + below(random, 2 ** below(random, 4)); left > 0; left -= 1)
    result = changedOnce(result, other, dictionary, random);
  return result.subarray(0, MAX_BYTES);
}

function changedOnce(bytes: Buffer, other: Buffer, dictionary: readonly string[], random: Random): Buffer {
  const at = below(random, bytes.length + 1);
  const length = random() < 0.7 ? 1 + below(random, 16) : 1 + below(random, 1024);
  const over = (piece: Buffer) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
  const insert = (piece: Buffer) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  const put = (piece: Buffer) => (random() < 0.5 ? over(piece) : insert(piece));
  switch (below(random, 11)) {
    case 0:
      return over(Buffer.from([(bytes[at] ?? 0) ^ (1 << below(random, 8))]));
    case 1:
      return over(Buffer.from([below(random, 256)]));
    case 2:
      return over(Buffer.from([(bytes[at] ?? 0) + pick(random, [-1, 1, -16, 16])]));
    case 3:
      return over(extreme(random));
    case 4:
      return put(Buffer.from(pick(random, DIGITS)));
    case 5:
    case 6:
      return put(Buffer.from(pick(random, dictionary), 'latin1'));
    case 7:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 8:
      return insert(bytes.subarray(at, at + length));
    case 9: {
      const from = below(random, other.length + 1);
      return put(other.subarray(from, from + length));
    }
    default:
      return random() < 0.3 ? bytes.subarray(0, at) : put(Buffer.alloc(length, below(random, 256)));
  }
}

function extreme(random: Random): Buffer {
  const value = BigInt(pick(random, EXTREMES));
  const width = pick(random, [1, 2, 4, 8] as const);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, value));
  const little = bytes.subarray(0, width);
  return random() < 0.7 ? little : Buffer.from(little).reverse();
}
