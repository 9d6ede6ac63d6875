import { crc32 } from 'node:zlib';
import { safeNumber } from '../zip/zip-end-record.js';

/** The container of 7z, as 7zFormat.txt of the LZMA SDK has it (public domain). */

export const SEVEN_ZIP_MAGIC = '7z\xbc\xaf\x27\x1c';
export const SIGNATURE_BYTES = 32;

/** Where the header is: at `offset` from the end of the signature header. */
export interface StartHeader {
  offset: number;
  size: number;
  crc: number;
}

export interface Coder {
  /** In hexadecimal. */
  method: string;
  inputs: number;
  outputs: number;
  properties: Buffer;
  /** What comes of it. */
  size: number;
}

/** What one chain of coders makes of one stretch of the archive: the content of one file, or of many. */
export interface Folder {
  coders: Coder[];
  /** Pairs of an input and the output that it gets. */
  bonds: { input: number; output: number }[];
  /** The inputs that get bytes of the archive. */
  packed: number[];
  crc: number | undefined;
}

export interface Streams {
  /** Where the first packed stream starts, from the end of the signature header. */
  packedAt: number;
  packedSizes: number[];
  folders: Folder[];
  /** For each folder, the files in it. */
  contents: { size: number; crc: number | undefined }[][];
}

export interface SevenZipFile {
  name: string;
  hasContent: boolean;
  isFolder: boolean;
  isAnti: boolean;
  /** The attributes of Windows; their higher half is a Unix mode where bit 15 is set. */
  attributes: number;
}

const ID = {
  end: 0,
  header: 1,
  mainStreams: 4,
  files: 5,
  packInfo: 6,
  unpackInfo: 7,
  subStreams: 8,
  size: 9,
  crc: 10,
  folder: 11,
  coderSizes: 12,
  streamCounts: 13,
  emptyStream: 14,
  emptyFile: 15,
  anti: 16,
  names: 17,
  attributes: 21,
  encodedHeader: 23,
  filling: 25,
} as const;

/** As 7-Zip has it. */
const MAX_CODERS = 32;

/** A header that cannot be right, and why. */
export class SevenZipDamaged extends Error {}
/** More folders or files than an archive may have. */
export class SevenZipLimit extends Error {}

/** @returns undefined where the signature header is damaged */
export function parseStart(bytes: Buffer): StartHeader | undefined {
  const rest = bytes.subarray(12, SIGNATURE_BYTES);
  if (bytes.length < SIGNATURE_BYTES || bytes.readUInt32LE(8) !== crc32(rest)) return undefined;
  return {
    offset: safeNumber(rest.readBigUInt64LE(0)),
    size: safeNumber(rest.readBigUInt64LE(8)),
    crc: rest.readUInt32LE(16),
  };
}

/** Reads a header, or the description of the streams that hold it. @throws SevenZipDamaged, SevenZipLimit */
export function parseHeader(
  bytes: Buffer,
  maxFiles: number,
): { encoded: Streams } | { streams: Streams; files: SevenZipFile[] } {
  const reader = new Reader(bytes);
  const id = reader.byte();
  if (id === ID.encodedHeader) {
    const encoded = readStreams(reader, maxFiles);
    reader.demandEnd();
    return { encoded };
  }
  if (id !== ID.header) throw new SevenZipDamaged('it is of no known kind');
  let streams: Streams = { packedAt: 0, packedSizes: [], folders: [], contents: [] };
  let files: SevenZipFile[] = [];
  for (let part = reader.byte(); part !== ID.end; part = reader.byte()) {
    if (part === ID.mainStreams) streams = readStreams(reader, maxFiles);
    else if (part === ID.files) files = readFiles(reader, maxFiles);
    else throw new SevenZipDamaged(`it has a part of the unknown kind ${part}`);
  }
  reader.demandEnd();
  return { streams, files };
}

function readStreams(reader: Reader, maxFiles: number): Streams {
  const streams: Streams = { packedAt: 0, packedSizes: [], folders: [], contents: [] };
  let hasContents = false;
  for (let id = reader.byte(); id !== ID.end; id = reader.byte()) {
    if (id === ID.packInfo) readPackInfo(reader, streams);
    else if (id === ID.unpackInfo) streams.folders = readFolders(reader, maxFiles);
    else if (id === ID.subStreams && !hasContents) {
      streams.contents = readContents(reader, streams.folders, maxFiles);
      hasContents = true;
    } else throw new SevenZipDamaged(`its streams have a part of the unknown kind ${id}`);
  }
  if (!hasContents) streams.contents = streams.folders.map((folder) => [{ size: sizeOf(folder), crc: folder.crc }]);
  return streams;
}

function readPackInfo(reader: Reader, streams: Streams): void {
  streams.packedAt = reader.number();
  const count = reader.count(reader.left);
  for (let id = reader.byte(); id !== ID.end; id = reader.byte()) {
    if (id === ID.size) streams.packedSizes = Array.from({ length: count }, () => reader.number());
    else if (id === ID.crc) reader.digests(count);
    else throw new SevenZipDamaged(`its packed streams have a part of the unknown kind ${id}`);
  }
  if (streams.packedSizes.length !== count) throw new SevenZipDamaged('its packed streams have no sizes');
}

function readFolders(reader: Reader, maxFolders: number): Folder[] {
  reader.demand(ID.folder);
  const count = reader.count(reader.left);
  if (count > maxFolders) throw new SevenZipLimit();
  if (reader.byte() !== 0) throw new SevenZipDamaged('its folders are elsewhere');
  const folders = Array.from({ length: count }, () => readFolder(reader));
  reader.demand(ID.coderSizes);
  for (const { coders } of folders) {
    for (const coder of coders) coder.size = reader.number();
  }
  for (let id = reader.byte(); id !== ID.end; id = reader.byte()) {
    if (id !== ID.crc) throw new SevenZipDamaged(`its folders have a part of the unknown kind ${id}`);
    for (const [i, crc] of reader.digests(count).entries()) {
      const folder = folders[i];
      if (folder) folder.crc = crc;
    }
  }
  return folders;
}

function readFolder(reader: Reader): Folder {
  const coders = Array.from({ length: reader.count(MAX_CODERS) }, (): Coder => {
    const flags = reader.byte();
    if ((flags & 0xc0) !== 0) throw new SevenZipDamaged('a coder has flags of no known meaning');
    // A number: no bytes at all are 0.
    const method =
      reader
        .bytes(flags & 15)
        .toString('hex')
        .replace(/^(00)+(?=.)/, '') || '00';
    const isComplex = (flags & 16) !== 0;
    const inputs = isComplex ? reader.count(8) : 1;
    const outputs = isComplex ? reader.count(8) : 1;
    const properties = (flags & 32) !== 0 ? Buffer.from(reader.bytes(reader.count(reader.left))) : Buffer.alloc(0);
    return { method, inputs, outputs, properties, size: 0 };
  });
  const inputs = coders.reduce((sum, coder) => sum + coder.inputs, 0);
  const outputs = coders.reduce((sum, coder) => sum + coder.outputs, 0);
  if (outputs === 0) throw new SevenZipDamaged('a folder has no coders');
  const bonds = Array.from({ length: outputs - 1 }, () => ({ input: reader.number(), output: reader.number() }));
  const packedCount = inputs - bonds.length;
  const unbound = Array.from({ length: inputs }, (_, i) => i).filter((i) => !bonds.some(({ input }) => input === i));
  const packed = packedCount === 1 ? unbound : Array.from({ length: Math.max(0, packedCount) }, () => reader.number());
  return { coders, bonds, packed, crc: undefined };
}

/** What comes of the whole folder: of the coder whose output no other one gets. */
export function sizeOf({ coders, bonds }: Folder): number {
  return coders.find((_, i) => !bonds.some(({ output }) => output === i))?.size ?? 0;
}

function readContents(reader: Reader, folders: Folder[], maxFiles: number): Streams['contents'] {
  let counts = folders.map(() => 1);
  let id = reader.byte();
  if (id === ID.streamCounts) {
    counts = folders.map(() => reader.number());
    if (counts.reduce((sum, count) => sum + count, 0) > maxFiles) throw new SevenZipLimit();
    id = reader.byte();
  }
  const sizes = id === ID.size;
  const contents = folders.map((folder, i) => {
    const list: Streams['contents'][number] = [];
    let left = sizeOf(folder);
    for (let n = counts[i] ?? 0; n > 0; n -= 1) {
      if (n > 1 && !sizes) throw new SevenZipDamaged('files that lie together have no sizes');
      const size = n > 1 ? reader.number() : left;
      left -= size;
      if (left < 0) throw new SevenZipDamaged('files are larger than what they lie in');
      list.push({ size, crc: counts[i] === 1 ? folder.crc : undefined });
    }
    return list;
  });
  if (sizes) id = reader.byte();
  const unknown = contents.flat().filter(({ crc }) => crc === undefined);
  for (; id !== ID.end; id = reader.byte()) {
    if (id !== ID.crc) throw new SevenZipDamaged(`its files' streams have a part of the unknown kind ${id}`);
    for (const [i, crc] of reader.digests(unknown.length).entries()) {
      const content = unknown[i];
      if (content) content.crc = crc;
    }
  }
  return contents;
}

function readFiles(reader: Reader, maxFiles: number): SevenZipFile[] {
  const count = reader.number();
  if (count > maxFiles) throw new SevenZipLimit();
  if (count > reader.left) throw new SevenZipDamaged('it has fewer files than it says');
  const files = Array.from(
    { length: count },
    (): SevenZipFile => ({ name: '', hasContent: true, isFolder: false, isAnti: false, attributes: 0 }),
  );
  let empty: SevenZipFile[] = [];
  const seen = new Set<number>();
  for (let id = reader.byte(); id !== ID.end; id = reader.byte()) {
    const part = new Reader(reader.bytes(reader.count(reader.left)));
    if (seen.has(id)) throw new SevenZipDamaged(`it has the part ${id} twice`);
    if (id !== ID.filling) seen.add(id);
    switch (id) {
      case ID.emptyStream:
        for (const [i, isEmpty] of part.bits(count).entries()) {
          const file = files[i];
          if (file && isEmpty) Object.assign(file, { hasContent: false, isFolder: true });
        }
        empty = files.filter(({ hasContent }) => !hasContent);
        break;
      case ID.emptyFile:
        for (const [i, isFile] of part.bits(empty.length).entries()) {
          const file = empty[i];
          if (file && isFile) file.isFolder = false;
        }
        break;
      case ID.anti:
        for (const [i, isAnti] of part.bits(empty.length).entries()) {
          const file = empty[i];
          if (file) file.isAnti = isAnti;
        }
        break;
      case ID.names:
        part.demand(0);
        for (const file of files) file.name = part.text();
        part.demandEnd();
        break;
      case ID.attributes: {
        const isThere = part.byte() === 0 ? part.bits(count) : files.map(() => true);
        part.demand(0);
        for (const [i, file] of files.entries()) if (isThere[i]) file.attributes = part.uint32();
        break;
      }
      default: // times, comments, filling
    }
  }
  return files;
}

/** Reads what a header is made of. @throws SevenZipDamaged where it ends before */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw new SevenZipDamaged('it ends too early');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  uint32(): number {
    return this.bytes(4).readUInt32LE(0);
  }

  demand(byte: number): void {
    if (this.byte() !== byte) throw new SevenZipDamaged(`something else is where a ${byte} must be`);
  }

  demandEnd(): void {
    if (this.left > 0) throw new SevenZipDamaged('there is more after its end');
  }

  /** As many bytes follow as the first has ones before its first zero; what is left of it are the highest bits. */
  number(): number {
    const first = this.byte();
    const more = Math.min(8, Math.clz32(~first << 24));
    const low = this.bytes(more).reduceRight((value, byte) => value * 256 + byte, 0);
    const high = more === 8 ? 0 : first & (0x7f >>> more);
    const value = high * 2 ** (8 * more) + low;
    if (!Number.isSafeInteger(value)) throw new SevenZipDamaged('a number is beyond all measure');
    return value;
  }

  /** @param most how many there can be, at the least length of each */
  count(most: number): number {
    const value = this.number();
    if (value > most) throw new SevenZipDamaged('there is less than it says');
    return value;
  }

  bits(count: number): boolean[] {
    const bytes = this.bytes(Math.ceil(count / 8));
    return Array.from({ length: count }, (_, i) => ((bytes[i >>> 3] ?? 0) & (0x80 >>> (i & 7))) !== 0);
  }

  digests(count: number): (number | undefined)[] {
    const isThere = this.byte() === 0 ? this.bits(count) : Array.from({ length: count }, () => true);
    return isThere.map((there) => (there ? this.uint32() : undefined));
  }

  /** UTF-16, up to a NUL. */
  text(): string {
    const start = this.#at;
    while (this.bytes(2).readUInt16LE(0) !== 0);
    return this.#bytes.toString('utf16le', start, this.#at - 2);
  }
}
