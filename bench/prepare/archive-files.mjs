import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, createGzip, deflateRawSync } from 'node:zlib';

/** One second past 1980, the first year that zip knows, and the same on every machine. */
const MTIME = 315_532_801;

/** Writes a tar.gz of `{path, mode, chunks}`, under a temporary name until it is whole. */
export async function writeTarGz(to, files) {
  await pipeline(
    Readable.from(tar(files)),
    createGzip({ level: constants.Z_DEFAULT_COMPRESSION, chunkSize: 1 << 18 }),
    createWriteStream(`${to}.part`),
  );
  await rename(`${to}.part`, to);
}

function* tar(files) {
  for (const { path, mode, chunks } of files) {
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    yield tarHeader(path, mode, size);
    yield* chunks;
    if (size % 512 > 0) yield Buffer.alloc(512 - (size % 512));
  }
  yield Buffer.alloc(1024);
}

function tarHeader(path, mode, size) {
  const header = Buffer.alloc(512);
  const octal = (value, at, digits) => header.write(`${value.toString(8).padStart(digits, '0')}\0`, at);
  if (path.length > 100) throw new Error(`${path} is too long for the header that is written here`);
  header.write(path, 0);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(MTIME, 136, 11);
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  return header;
}

/** Writes a zip of `{path, chunks}`, deflated; under a temporary name until it is whole. */
export async function writeZip(to, files) {
  await pipeline(Readable.from(zip(files)), createWriteStream(`${to}.part`));
  await rename(`${to}.part`, to);
}

function* zip(files) {
  const directory = [];
  let offset = 0;
  for (const { path, chunks } of files) {
    const content = Buffer.concat(chunks);
    const packed = deflateRawSync(content);
    const name = Buffer.from(path);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version
    common.writeUInt16LE(8, 4); // deflate
    common.writeUInt16LE(0x21, 8); // 1 January 1980
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, tail, name);
    const local = [Buffer.from('PK\x03\x04'), common, name, packed];
    offset += local.reduce((sum, part) => sum + part.length, 0);
    yield* local;
  }
  yield* directory;
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(
    directory.reduce((sum, part) => sum + part.length, 0),
    12,
  );
  end.writeUInt32LE(offset, 16);
  yield end;
}
