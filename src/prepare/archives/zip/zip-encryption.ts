import { createCipheriv, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { wrongPassword } from '../encrypted.js';

/** How an entry is encrypted: by WinZip's AES ("AES Encryption Information", AE-1 and AE-2), or as PKZIP 2 did (APPNOTE 6.1). */
export type ZipEncryption =
  | { kind: 'aes'; version: number; keyBytes: 16 | 24 | 32 }
  /** One of these is the last byte of the header, after decryption: of the CRC, or of the time. */
  | { kind: 'zipcrypto'; checks: readonly number[] };

/** The method of entries that WinZip's AES encrypts; what they are compressed by is in the extra field. */
export const AES_METHOD = 99;
export const AES_FIELD = 0x9901;

const KEY_BYTES = [undefined, 16, 24, 32] as const;
const VERIFIER_BYTES = 2;
const CODE_BYTES = 10;
const ZIPCRYPTO_HEADER_BYTES = 12;
/** The rounds of PBKDF2 that the format has fixed. */
const ROUNDS = 1000;
const BLOCK = 16;

/** What the extra field says; undefined where it is none of WinZip's. */
export function aesField(field: Buffer | undefined): { encryption: ZipEncryption; method: number } | undefined {
  if (field === undefined || field.length < 7 || field.toString('latin1', 2, 4) !== 'AE') return undefined;
  const [version, keyBytes] = [field.readUInt16LE(0), KEY_BYTES[field[4] ?? 0]];
  if ((version !== 1 && version !== 2) || keyBytes === undefined) return undefined;
  return { encryption: { kind: 'aes', version, keyBytes }, method: field.readUInt16LE(5) };
}

/** Bytes that encryption adds to an entry's data. */
export function encryptionBytes(encryption: ZipEncryption): number {
  return encryption.kind === 'zipcrypto'
    ? ZIPCRYPTO_HEADER_BYTES
    : encryption.keyBytes / 2 + VERIFIER_BYTES + CODE_BYTES;
}

/** AE-2 has none: the authentication code is what tells that the content is whole. */
export function hasCrc(encryption: ZipEncryption | undefined): boolean {
  return encryption?.kind !== 'aes' || encryption.version === 1;
}

/**
 * An entry's compressed data. @param size bytes of `data`
 * @throws ARCHIVE_UNSUPPORTED (reason password) where the password is wrong; ARCHIVE_INVALID
 */
export async function* decrypted(
  encryption: ZipEncryption,
  data: AsyncIterable<Buffer>,
  { size, password, place }: { size: number; password: string; place: ArchivePlace },
): AsyncGenerator<Buffer> {
  const source = new ByteSource(data);
  try {
    const left = size - encryptionBytes(encryption);
    if (encryption.kind === 'aes') yield* decryptAes(source, encryption.keyBytes, { left, password, place });
    else yield* decryptZipCrypto(source, encryption.checks, { left, password, place });
  } finally {
    await source.close();
  }
}

interface Secrets {
  left: number;
  password: string;
  place: ArchivePlace;
}

async function* decryptAes(source: ByteSource, keyBytes: number, { left, password, place }: Secrets) {
  const salt = await source.copy(keyBytes / 2);
  const verifier = await source.copy(VERIFIER_BYTES);
  const keys = await promisify(pbkdf2)(password, salt, ROUNDS, 2 * keyBytes + VERIFIER_BYTES, 'sha1');
  if (!keys.subarray(2 * keyBytes).equals(verifier)) throw wrongPassword(place);
  const stream = new KeyStream(keys.subarray(0, keyBytes));
  const code = createHmac('sha1', keys.subarray(keyBytes, 2 * keyBytes));
  // The last bytes are given out when the code was compared: who decompresses them may ask for no more.
  let last: Buffer = Buffer.alloc(0);
  for await (const chunk of source.stream(left)) {
    if (last.length > 0) yield last;
    code.update(chunk);
    last = stream.apply(chunk);
  }
  const found = code.digest().subarray(0, CODE_BYTES);
  const written = await source.copy(CODE_BYTES);
  if (written.length !== CODE_BYTES || !timingSafeEqual(found, written))
    throw archiveError('ARCHIVE_INVALID', place, 'is damaged: its authentication code is wrong', {
      reason: 'checksum',
    });
  if (last.length > 0) yield last;
}

/** AES in counter mode, with a counter that begins at 1 and has its lowest byte first, which no mode of OpenSSL's has. */
class KeyStream {
  readonly #cipher: ReturnType<typeof createCipheriv>;
  #counter = 0;
  #rest = Buffer.alloc(0);

  constructor(key: Buffer) {
    this.#cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  }

  apply(bytes: Buffer): Buffer {
    const stream = this.#take(bytes.length);
    const out = Buffer.allocUnsafe(bytes.length);
    for (let at = 0; at < bytes.length; at += 1) out[at] = (bytes[at] as number) ^ (stream[at] as number);
    return out;
  }

  #take(count: number): Buffer {
    const missing = Math.max(0, count - this.#rest.length);
    const counters = Buffer.alloc(Math.ceil(missing / BLOCK) * BLOCK);
    for (let at = 0; at < counters.length; at += BLOCK) {
      this.#counter += 1;
      counters.writeUIntLE(this.#counter, at, 6); // more than any archive has
    }
    const stream = Buffer.concat([this.#rest, this.#cipher.update(counters)]);
    this.#rest = stream.subarray(count);
    return stream.subarray(0, count);
  }
}

async function* decryptZipCrypto(source: ByteSource, checks: readonly number[], { left, password, place }: Secrets) {
  const keys = new ZipCryptoKeys(Buffer.from(password));
  const header = keys.decrypt(await source.copy(ZIPCRYPTO_HEADER_BYTES));
  if (!checks.includes(header[ZIPCRYPTO_HEADER_BYTES - 1] ?? -1)) throw wrongPassword(place);
  for await (const chunk of source.stream(left)) yield keys.decrypt(chunk);
}

/** The CRC of each byte, begun with all bits zero and without the last inversion. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => ~crc32(Buffer.from([byte]), 0xffffffff));

/** The three keys of APPNOTE 6.1.5. It is no protection any more: an archive's CRCs give away most of the key. */
class ZipCryptoKeys {
  #a = 0x12345678;
  #b = 0x23456789;
  #c = 0x34567890;

  constructor(password: Buffer) {
    for (const byte of password) this.#update(byte);
  }

  decrypt(bytes: Buffer): Buffer {
    const out = Buffer.allocUnsafe(bytes.length);
    for (let at = 0; at < bytes.length; at += 1) {
      const mix = (this.#c | 2) & 0xffff;
      const byte = (bytes[at] as number) ^ ((Math.imul(mix, mix ^ 1) >>> 8) & 0xff);
      out[at] = byte;
      this.#update(byte);
    }
    return out;
  }

  #update(byte: number): void {
    this.#a = crcStep(this.#a, byte);
    this.#b = (Math.imul((this.#b + (this.#a & 0xff)) | 0, 134_775_813) + 1) | 0;
    this.#c = crcStep(this.#c, this.#b >>> 24);
  }
}

function crcStep(crc: number, byte: number): number {
  return (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number);
}
