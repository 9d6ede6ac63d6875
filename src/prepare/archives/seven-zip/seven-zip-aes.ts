import { createDecipheriv, createHash } from 'node:crypto';
import { type ArchivePlace, archiveError } from '../archive-error.js';

/** By its number ("Methods.txt" of the LZMA SDK). */
export const AES = '06f10701';

const BLOCK = 16;
/** 2^22 rounds take half a second; programs write 2^19. */
const MAX_ROUNDS_POWER = 22;
/** Rounds whose bytes are made at a time. */
const ROUNDS_AT_A_TIME = 16_384;

/** How long the properties may be: one byte, or two with a salt and an initialisation vector of up to 16 bytes each. */
export const AES_PROPERTY_BYTES: readonly number[] = Array.from({ length: 34 }, (_, index) => index + 1);

/**
 * AES-256 in CBC mode as 7-Zip has it (7zAes.cpp of the LZMA SDK): nothing tells that a password is wrong but what comes out.
 * @param size bytes of what was encrypted; zeros fill its last block
 */
export async function* unaes(
  packed: AsyncIterable<Buffer>,
  { properties, size }: { properties: Buffer; size: number },
  { place, password }: { place: ArchivePlace; password: string },
): AsyncGenerator<Buffer> {
  const { power, salt, iv } = settingsOf(properties, place);
  const decipher = createDecipheriv('aes-256-cbc', keyOf(password, salt, power), iv).setAutoPadding(false);
  let left = size;
  for await (const chunk of packed) {
    const piece = decipher.update(chunk).subarray(0, left);
    left -= piece.length;
    if (piece.length > 0) yield piece;
  }
}

function settingsOf(properties: Buffer, place: ArchivePlace): { power: number; salt: Buffer; iv: Buffer } {
  const [first = 0, second = 0] = properties;
  const power = first & 0x3f;
  const isShort = (first & 0xc0) === 0;
  const saltBytes = isShort ? 0 : (first >> 7) + (second >> 4);
  const ivBytes = isShort ? 0 : ((first >> 6) & 1) + (second & 15);
  const start = isShort ? 1 : 2;
  if (properties.length !== start + saltBytes + ivBytes)
    throw archiveError('ARCHIVE_INVALID', place, 'has encryption with the wrong properties');
  if (power > MAX_ROUNDS_POWER)
    throw archiveError('ARCHIVE_UNSUPPORTED', place, `has a password that takes 2^${power} rounds`, {
      reason: 'encrypted',
    });
  const iv = Buffer.alloc(BLOCK);
  properties.copy(iv, 0, start + saltBytes);
  return { power, salt: properties.subarray(start, start + saltBytes), iv };
}

/** Folders of one archive mostly have the same; one is enough to remember. */
let last: { settings: string; key: Buffer } | undefined;

/** SHA-256 over salt, password and the number of the round, again and again. */
function keyOf(password: string, salt: Buffer, power: number): Buffer {
  const settings = createHash('sha256')
    .update(`${power} ${salt.toString('hex')} ${password}`)
    .digest('hex');
  if (last?.settings === settings) return last.key;
  const text = Buffer.concat([salt, Buffer.from(password, 'utf16le')]);
  const step = text.length + 8;
  const rounds = 2 ** power;
  const many = Math.min(rounds, ROUNDS_AT_A_TIME);
  const bytes = Buffer.alloc(many * step);
  for (let round = 0; round < many; round += 1) text.copy(bytes, round * step);
  const hash = createHash('sha256');
  for (let round = 0; round < rounds; round += many) {
    for (let i = 0; i < many; i += 1) bytes.writeUIntLE(round + i, i * step + text.length, 6);
    hash.update(bytes);
  }
  const key = hash.digest();
  last = { settings, key };
  return key;
}
