import { isAscii, isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';

/** The upper half of code page 437, in which PKZIP wrote names (APPNOTE, appendix D). */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/**
 * A name's text: UTF-8 by its flag; by Info-ZIP's extra field, if it is about this very name; as UTF-8 where a Unix
 * system wrote it, whose names are bytes; else code page 437.
 * @returns undefined where that is not possible
 */
export function zipName(
  raw: Buffer,
  options: { utf8: boolean; unix: boolean; unicodePath: Buffer | undefined },
): string | undefined {
  if (isAscii(raw)) return raw.toString('latin1');
  const decoded = unicodePathOf(raw, options.unicodePath) ?? (options.utf8 || options.unix ? raw : undefined);
  if (decoded === undefined)
    return raw.toString('latin1').replace(/[\x80-\xff]/g, (char) => CP437[char.charCodeAt(0) - 0x80] ?? '');
  return isUtf8(decoded) ? decoded.toString('utf8') : undefined;
}

/** Extra field 0x7075: a version, the CRC of the name that it stands for, the name in UTF-8 (APPNOTE 4.6.9). */
function unicodePathOf(raw: Buffer, extra: Buffer | undefined): Buffer | undefined {
  if (extra === undefined || extra.length < 5 || extra[0] !== 1 || extra.readUInt32LE(1) !== crc32(raw))
    return undefined;
  return extra.subarray(5);
}
