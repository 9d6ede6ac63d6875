import { crc32 } from 'node:zlib';

/** Builds 7z archives that no program would write, for tests of what readers must refuse. */

const number = (value: number): Buffer => Buffer.from([0xf0, ...Buffer.from(new Uint32Array([value]).buffer)]);
const UNIX = 0x8000;

export interface SevenZipItem {
  name: string;
  content?: string | Buffer;
  mode?: number;
  attributes?: number;
  isAnti?: boolean;
}

/** An archive whose files are stored as they are, one after the other in one folder. */
export function sevenZip(
  items: SevenZipItem[],
  change: { sizes?: number[]; count?: number /** None: no bytes at all. */; method?: number | 'none' } = {},
): Buffer {
  const full = items.filter(({ content }) => content !== undefined);
  const data = Buffer.concat(full.map(({ content }) => Buffer.from(content ?? '')));
  const sizes = change.sizes ?? full.map(({ content }) => Buffer.byteLength(content ?? ''));
  const bits = (list: boolean[]) => {
    const bytes = Buffer.alloc(Math.ceil(list.length / 8));
    for (const [i, bit] of list.entries()) if (bit) bytes[i >>> 3] = (bytes[i >>> 3] ?? 0) | (0x80 >>> (i & 7));
    return bytes;
  };
  const part = (id: number, ...content: Buffer[]) => {
    const bytes = Buffer.concat(content);
    return Buffer.concat([Buffer.from([id]), number(bytes.length), bytes]);
  };
  const crcs = full.map(({ content }) => Buffer.from(new Uint32Array([crc32(content ?? '')]).buffer));
  const attributes = items.map(({ mode = 0o100644, attributes = (mode * 65536 + UNIX) >>> 0 }) =>
    Buffer.from(new Uint32Array([attributes]).buffer),
  );
  const streams = Buffer.concat([
    Buffer.from([4, 6, 0, 1, 9]), // packed streams: from the start, one, of this size
    number(data.length),
    Buffer.from([0, 7, 11, 1, 0, 1, ...(change.method === 'none' ? [0] : [1, change.method ?? 0]), 12]), // one folder of one coder
    number(data.length),
    Buffer.from([0, 8, 13]),
    number(full.length),
    Buffer.from([9]),
    ...sizes.slice(0, -1).map(number),
    Buffer.from([10, 1]),
    ...crcs,
    Buffer.from([0, 0]),
  ]);
  const empty = items.filter(({ content }) => content === undefined);
  const header = Buffer.concat([
    Buffer.from([1]),
    full.length > 0 ? streams : Buffer.alloc(0),
    Buffer.from([5]),
    number(change.count ?? items.length),
    part(14, bits(items.map(({ content }) => content === undefined))),
    part(15, bits(empty.map(({ mode = 0o100644 }) => (mode & 0o170000) !== 0o040000))),
    part(16, bits(empty.map(({ isAnti = false }) => isAnti))),
    part(17, Buffer.from([0]), ...items.map(({ name }) => Buffer.from(`${name}\0`, 'utf16le'))),
    part(21, Buffer.from([1, 0]), ...attributes),
    Buffer.from([0, 0]),
  ]);
  return withHeader(data, header);
}

/** The start of a 7z with the right checksums, the packed streams, and a header. */
export function withHeader(data: Buffer, header: Buffer): Buffer {
  const start = Buffer.alloc(20);
  start.writeBigUInt64LE(BigInt(data.length), 0);
  start.writeBigUInt64LE(BigInt(header.length), 8);
  start.writeUInt32LE(crc32(header), 16);
  const signature = Buffer.from('7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0', 'latin1');
  signature.writeUInt32LE(crc32(start), 8);
  return Buffer.concat([signature, start, data, header]);
}
