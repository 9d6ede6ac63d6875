import { crc32, deflateRawSync } from 'node:zlib';

/** Builds zip archives that no zip program would write, for tests of what readers must refuse. */

export interface ZipItem {
  name: string | Buffer;
  content?: string | Buffer;
  method?: number;
  /** Compressed bytes, if not what the method gives. */
  data?: Buffer;
  flags?: number;
  /** Unix mode with its type, such as 0o120777; none: written on DOS. */
  unixMode?: number;
  /** The system that wrote it, and its attributes as a whole, where `unixMode` does not say. */
  host?: number;
  attributes?: number;
  crc?: number;
  size?: number;
  compressedSize?: number;
  extra?: Buffer;
  /** What the local header has, where it differs. */
  local?: {
    name?: string | Buffer;
    method?: number;
    flags?: number;
    crc?: number;
    size?: number;
    compressedSize?: number;
    extra?: Buffer;
  };
  /** Bytes after the data. */
  descriptor?: Buffer;
  /** Bytes before the local header that belong to nothing. */
  gap?: Buffer;
  /** What the directory gives as the place of the local header, if not where it is. */
  offset?: number;
  disk?: number;
}

export interface ZipOptions {
  prefix?: Buffer;
  /** Offsets count from the start of the file, not from the end of the prefix. */
  absolute?: boolean;
  comment?: string | Buffer;
  /** Bytes that belong to nothing. */
  beforeDirectory?: Buffer;
  afterDirectory?: Buffer;
  after?: Buffer;
  zip64?: boolean;
  /** Changes the end record, and that of zip64. */
  edit?: (end: Buffer) => void;
  edit64?: (end: Buffer) => void;
}

export const UTF8 = 1 << 11;
export const DESCRIPTOR = 1 << 3;

export function zip(items: ZipItem[], options: ZipOptions = {}): Buffer {
  const prefix = options.prefix ?? Buffer.alloc(0);
  const shift = options.absolute ? prefix.length : 0;
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const item of items) {
    const gap = item.gap ?? Buffer.alloc(0);
    const local = localEntry(item);
    directory.push(centralHeader(item, item.offset ?? at + gap.length + shift));
    parts.push(gap, local);
    at += gap.length + local.length;
  }
  const before = options.beforeDirectory ?? Buffer.alloc(0);
  const central = Buffer.concat(directory);
  const end = endRecords(items.length, central.length, at + before.length + shift, options);
  return Buffer.concat([
    prefix,
    ...parts,
    before,
    central,
    options.afterDirectory ?? Buffer.alloc(0),
    end,
    options.after ?? Buffer.alloc(0),
  ]);
}

export function descriptor(item: ZipItem, signature = true): Buffer {
  const { crc, compressedSize, size } = values(item);
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(compressedSize, 4);
  bytes.writeUInt32LE(size, 8);
  return signature ? Buffer.concat([Buffer.from('PK\x07\x08'), bytes]) : bytes;
}

function values(item: ZipItem) {
  const content = Buffer.from(item.content ?? '');
  const method = item.method ?? 0;
  const data = item.data ?? (method === 8 ? deflateRawSync(content) : content);
  return {
    method,
    data,
    name: Buffer.from(item.name),
    flags: item.flags ?? UTF8,
    crc: item.crc ?? crc32(content),
    size: item.size ?? content.length,
    compressedSize: item.compressedSize ?? data.length,
    extra: item.extra ?? Buffer.alloc(0),
  };
}

function localEntry(item: ZipItem): Buffer {
  const central = values(item);
  const its = { ...central, ...item.local, name: Buffer.from(item.local?.name ?? central.name) };
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(its.flags, 6);
  header.writeUInt16LE(its.method, 8);
  header.writeUInt32LE(its.crc, 14);
  header.writeUInt32LE(its.compressedSize, 18);
  header.writeUInt32LE(its.size, 22);
  header.writeUInt16LE(its.name.length, 26);
  header.writeUInt16LE(its.extra.length, 28);
  return Buffer.concat([header, its.name, its.extra, central.data, item.descriptor ?? Buffer.alloc(0)]);
}

function centralHeader(item: ZipItem, offset: number): Buffer {
  const its = values(item);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(((item.host ?? (item.unixMode === undefined ? 0 : 3)) << 8) | 20, 4);
  header.writeUInt16LE(20, 6);
  header.writeUInt16LE(its.flags, 8);
  header.writeUInt16LE(its.method, 10);
  header.writeUInt32LE(its.crc, 16);
  header.writeUInt32LE(its.compressedSize, 20);
  header.writeUInt32LE(its.size, 24);
  header.writeUInt16LE(its.name.length, 28);
  header.writeUInt16LE(its.extra.length, 30);
  header.writeUInt16LE(item.disk ?? 0, 34);
  header.writeUInt32LE(item.attributes ?? ((item.unixMode ?? 0) << 16) >>> 0, 38);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, its.name, its.extra]);
}

function endRecords(entries: number, size: number, offset: number, options: ZipOptions): Buffer {
  const comment = Buffer.from(options.comment ?? '');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(options.zip64 ? 0xffff : entries % 0x10000, 8);
  end.writeUInt16LE(options.zip64 ? 0xffff : entries % 0x10000, 10);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  options.edit?.(end);
  if (!options.zip64) return Buffer.concat([end, comment]);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeBigUInt64LE(BigInt(entries), 24);
  end64.writeBigUInt64LE(BigInt(entries), 32);
  end64.writeBigUInt64LE(BigInt(size), 40);
  end64.writeBigUInt64LE(BigInt(offset), 48);
  options.edit64?.(end64);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + size), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([end64, locator, end, comment]);
}
