/**
 * One 512-byte header of a tar archive, as POSIX (pax, ustar interchange format), GNU tar ("Basic Tar Format") and the
 * tar of Unix Version 7 have it.
 */
export interface TarHeader {
  /** The type flag: '0' a file, '5' a folder… Version 7 has '\0' for all but links. */
  type: string;
  name: Buffer;
  linkName: Buffer;
  mode: number;
  /** Bytes of content, as the header says; pax may say otherwise. */
  size: number;
  /** By its magic: that of POSIX, rather than of GNU tar or of none. */
  isPosix: boolean;
}

export const TAR_BLOCK = 512;

/** Bytes with the content, filled up to whole blocks. */
export function paddedSize(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
}

/** @returns a reason where the block is no header */
export function parseTarHeader(block: Buffer): TarHeader | string {
  if (!checksumMatches(block)) return 'the checksum of its header is wrong';
  const size = numberField(block, 124, 12);
  const mode = numberField(block, 100, 8);
  if (size === undefined) return 'its size is not a number';
  // GNU tar and Go pass over the NUL, others read 0.
  if (block[124] === 0 && /[1-7]/.test(block.toString('latin1', 125, 136)))
    return 'its size begins with a NUL, so programs differ in it';
  if (size < 0 || size > Number.MAX_SAFE_INTEGER - TAR_BLOCK) return 'its size is impossible';
  const name = fullName(block);
  if (name === undefined) return 'its name has a prefix of which programs differ in whether it counts';
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name,
    linkName: text(block, 157, 100),
    mode: mode ?? 0,
    size,
    isPosix: block.toString('latin1', 257, 263) === 'ustar\0',
  };
}

/** Old tars summed the bytes as signed ones; both sums are right. */
function checksumMatches(block: Buffer): boolean {
  const expected = numberField(block, 148, 8);
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = 0; i < TAR_BLOCK; i += 1) {
    if (i === 148) i = 156; // the field itself counts as spaces
    const byte = block[i] ?? 0;
    unsigned += byte;
    if (byte > 127) high += 256;
  }
  return expected === unsigned || expected === unsigned - high;
}

/**
 * ustar has the first part of a long name in `prefix`; GNU has times there, star has both in it.
 * @returns undefined where programs differ in whether the prefix counts, or in how long it is
 */
function fullName(block: Buffer): Buffer | undefined {
  const name = text(block, 0, 100);
  const magic = block.toString('latin1', 257, 265);
  // Old versions of Go wrote a prefix there, and some programs look for it.
  if (magic === 'ustar  \0') return numberField(block, 345, 12) === undefined ? undefined : name;
  const isStar = block.toString('latin1', 508, 512) === 'tar\0';
  const prefix = text(block, 345, isStar ? 131 : 155);
  if (prefix.length === 0) return name;
  if (!magic.startsWith('ustar\0') || (isStar && prefix.length === 131)) return undefined;
  return Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** A text field ends at its first NUL, or is full. A copy, as the block's memory is not kept. */
function text(block: Buffer, start: number, length: number): Buffer {
  const nul = block.indexOf(0, start);
  return Buffer.from(block.subarray(start, nul === -1 || nul > start + length ? start + length : nul));
}

/** Octal digits with spaces and NULs around them; or, with the first bit set, a signed big-endian number (GNU, star). */
export function numberField(block: Buffer, start: number, length: number): number | undefined {
  const first = block[start] ?? 0;
  if (first & 0x80) return base256(block.subarray(start, start + length));
  const digits = /^[ \0]*([0-7]*)[ \0]*$/.exec(
    block.toString('latin1', start, start + length).replace(/\0.*/s, ''),
  )?.[1];
  if (digits === undefined) return undefined;
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function base256(field: Buffer): number | undefined {
  let value = BigInt((field[0] ?? 0) & 0x7f);
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  const signed = BigInt.asIntN(field.length * 8 - 1, value);
  return signed > Number.MAX_SAFE_INTEGER || signed < 0 ? undefined : Number(signed);
}
