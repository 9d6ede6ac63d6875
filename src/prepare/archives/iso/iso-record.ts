/** A directory record of ISO 9660 (ECMA-119, 9.1). */
export interface IsoRecord {
  /** As it is written: one byte 0 for the folder itself, one byte 1 for the one above. */
  name: Buffer;
  /** The block where it begins, attributes of its own left out. */
  block: number;
  size: number;
  isFolder: boolean;
  /** What Apple's programs put beside a file: its resource fork. */
  isAssociated: boolean;
  /** Whether the next record goes on with the same file. */
  goesOn: boolean;
  isInterleaved: boolean;
  /** The number of the disc on which it is. */
  volume: number;
  /** What SUSP and Rock Ridge say. */
  systemUse: Buffer;
}

const FIXED_BYTES = 33;
const FLAGS = { folder: 2, associated: 4, goesOn: 0x80 } as const;

/** @param bytes the record, all of it @returns undefined where it is none */
export function parseRecord(bytes: Buffer): IsoRecord | undefined {
  const nameBytes = bytes[32] ?? 0;
  const nameEnd = FIXED_BYTES + nameBytes;
  if (bytes.length < FIXED_BYTES + 1 || nameBytes === 0 || nameEnd > bytes.length) return undefined;
  const block = bothOrders(bytes, 2);
  const size = bothOrders(bytes, 10);
  if (block === undefined || size === undefined) return undefined;
  const flags = bytes[25] ?? 0;
  return {
    name: Buffer.from(bytes.subarray(FIXED_BYTES, nameEnd)),
    block: block + (bytes[1] ?? 0),
    size,
    isFolder: (flags & FLAGS.folder) !== 0,
    isAssociated: (flags & FLAGS.associated) !== 0,
    goesOn: (flags & FLAGS.goesOn) !== 0,
    isInterleaved: bytes[26] !== 0 || bytes[27] !== 0,
    volume: bytes.readUInt16LE(28),
    // Names of an even length are filled up by a byte.
    systemUse: Buffer.from(bytes.subarray(nameEnd + (nameBytes % 2 === 0 ? 1 : 0))),
  };
}

/** A number that is written twice, for machines of either order (7.3.3). @returns undefined where the two differ */
export function bothOrders(bytes: Buffer, at: number): number | undefined {
  if (at + 8 > bytes.length) return undefined;
  const value = bytes.readUInt32LE(at);
  return value === bytes.readUInt32BE(at + 4) ? value : undefined;
}
