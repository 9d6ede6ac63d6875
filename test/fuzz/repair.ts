import { createHash } from 'node:crypto';
import { constants, crc32, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib';
import { setChecksum } from '../archives/tar-builder.js';

/**
 * Makes the checksums of damaged archives right again, since a change that a checksum catches reaches no code behind it.
 * A format of which nothing is known here is fuzzed without.
 */
export function repaired(bytes: Buffer): Buffer {
  const result = Buffer.from(bytes);
  const start = result.toString('latin1', 0, 6);
  attempt(() => {
    if (start.startsWith('\x1f\x8b')) repairGzip(result);
    else if (start.startsWith('\xed\xab\xee\xdb')) repairRpm(result);
    else if (start === '7z\xbc\xaf\x27\x1c') repairSevenZip(result);
    else if (start === '070702') repairCpio(result);
    else if (result.includes('PK\x05\x06')) repairZip(result);
    else if (start !== '!<arch') repairTar(result);
  });
  return result; // as far as it could be repaired
}

/** What is packed in an archive's outer layer, and how to pack something else in its place. */
export function unwrapped(bytes: Buffer): { inner: Buffer; wrap: (inner: Buffer) => Buffer } | undefined {
  if (bytes.toString('latin1', 0, 2) === '\x1f\x8b') {
    const inner = attempt(() => gunzipSync(bytes, LENIENT));
    return inner && { inner, wrap: (packed) => gzipSync(packed) };
  }
  if (bytes.toString('latin1', 0, 8) !== '!<arch>\n') return undefined;
  const at = bytes.indexOf('data.tar');
  const size = Number.parseInt(bytes.toString('latin1', at + 48, at + 58), 10);
  if (at === -1 || !(size > 0)) return undefined;
  const start = at + 60;
  const packed = bytes.subarray(start, start + size);
  const isGzip = packed.toString('latin1', 0, 2) === '\x1f\x8b';
  const inner = isGzip ? attempt(() => gunzipSync(packed, LENIENT)) : packed;
  if (inner === undefined) return undefined;
  return {
    inner,
    wrap(changed) {
      const content = isGzip ? gzipSync(changed) : changed;
      const header = Buffer.from(bytes.subarray(at, start));
      header.write(String(content.length).padEnd(10), 48, 'latin1');
      return Buffer.concat([bytes.subarray(0, at), header, content, Buffer.alloc(content.length % 2, '\n')]);
    },
  };
}

const LENIENT = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 4 * 1024 ** 2 };

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** The CRC-32 of the header at the end, and of what says where that is. */
function repairSevenZip(bytes: Buffer): void {
  const headerAt = 32 + Number(bytes.readBigUInt64LE(12));
  const header = bytes.subarray(headerAt, headerAt + Number(bytes.readBigUInt64LE(20)));
  bytes.writeUInt32LE(crc32(header), 28);
  bytes.writeUInt32LE(crc32(bytes.subarray(12, 32)), 8);
}

const TAR_BLOCK = 512;

function repairTar(bytes: Buffer): void {
  for (let at = 0; at + TAR_BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + TAR_BLOCK);
    at += TAR_BLOCK;
    if (header.every((byte) => byte === 0)) continue;
    setChecksum(header);
    const size = Number.parseInt(header.toString('latin1', 124, 136), 8);
    if (size > 0) at += Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

function repairGzip(bytes: Buffer): void {
  if (bytes[3] !== 0) return; // with more in its header
  const inflated = attempt(
    () =>
      inflateRawSync(bytes.subarray(10), { ...LENIENT, info: true }) as unknown as {
        buffer: Buffer;
        engine: { bytesWritten: number };
      },
  );
  const end = 10 + (inflated?.engine.bytesWritten ?? bytes.length);
  if (inflated === undefined || end + 8 > bytes.length) return;
  bytes.writeUInt32LE(crc32(inflated.buffer), end);
  bytes.writeUInt32LE(inflated.buffer.length, end + 4);
}

/** The end record to where the directory is, both headers to what the data is. */
function repairZip(bytes: Buffer): void {
  const end = bytes.lastIndexOf('PK\x05\x06');
  const start = bytes.indexOf('PK\x01\x02');
  if (end + 22 > bytes.length || start === -1 || start > end) return;
  let at = start;
  let count = 0;
  while (at + 46 <= end && bytes.readUInt32LE(at) === 0x02014b50) {
    repairZipEntry(bytes, at);
    at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    count += 1;
  }
  if (bytes.readUInt32LE(end + 16) !== 0xffffffff) {
    bytes.writeUInt16LE(count, end + 8);
    bytes.writeUInt16LE(count, end + 10);
    bytes.writeUInt32LE(end - start, end + 12);
    bytes.writeUInt32LE(start, end + 16);
  }
  bytes.writeUInt16LE(Math.min(0xffff, bytes.length - end - 22), end + 20);
}

function repairZipEntry(bytes: Buffer, central: number): void {
  const local = bytes.readUInt32LE(central + 42);
  if (local + 30 > bytes.length || bytes.readUInt32LE(local) !== 0x04034b50) return;
  const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const packed = bytes.subarray(data, data + bytes.readUInt32LE(central + 20));
  const content = bytes.readUInt16LE(central + 10) === 8 ? attempt(() => inflateRawSync(packed, LENIENT)) : packed;
  if (content === undefined) return;
  bytes.writeUInt32LE(crc32(content), central + 16);
  bytes.writeUInt32LE(content.length, central + 24);
  bytes.copyWithin(local + 6, central + 8, central + 28); // flags, method, times, CRC and sizes
}

/** Sums of contents, in the cpio format that has them. */
function repairCpio(bytes: Buffer): void {
  const field = (at: number, index: number) =>
    Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
  const padded = (length: number) => Math.ceil(length / 4) * 4;
  for (let at = 0; at + 110 <= bytes.length && bytes.toString('latin1', at, at + 6) === '070702'; ) {
    const [size, nameBytes] = [field(at, 6), field(at, 11)];
    if (!(size >= 0 && nameBytes >= 0)) return;
    const content = at + padded(110 + nameBytes);
    const sum = bytes.subarray(content, content + size).reduce((total, byte) => (total + byte) >>> 0, 0);
    bytes.write(sum.toString(16).padStart(8, '0'), at + 102, 'latin1');
    at = content + padded(size);
  }
}

/** The payload's digest in the header, and then the header's in the signature. */
function repairRpm(bytes: Buffer): void {
  const signature = 96;
  const signatureEnd = rpmHeaderEnd(bytes, signature);
  const header = signatureEnd === undefined ? undefined : signatureEnd + ((8 - ((signatureEnd - signature) % 8)) % 8);
  const end = header === undefined ? undefined : rpmHeaderEnd(bytes, header);
  if (header === undefined || end === undefined) return;
  const digest = (from: number, to?: number) => createHash('sha256').update(bytes.subarray(from, to)).digest('hex');
  setRpmText(bytes, header, 5092, digest(end));
  setRpmText(bytes, signature, 273, digest(header, end));
}

function rpmHeaderEnd(bytes: Buffer, at: number): number | undefined {
  if (at + 16 > bytes.length) return undefined;
  const end = at + 16 + bytes.readUInt32BE(at + 8) * 16 + bytes.readUInt32BE(at + 12);
  return end > bytes.length ? undefined : end;
}

function setRpmText(bytes: Buffer, header: number, tag: number, text: string): void {
  const entries = bytes.readUInt32BE(header + 8);
  for (let at = header + 16; at < header + 16 + entries * 16; at += 16) {
    if (bytes.readUInt32BE(at) === tag)
      bytes.write(text, header + 16 + entries * 16 + bytes.readUInt32BE(at + 8), 'latin1');
  }
}
