import { isAscii, isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';

/** The upper half of code page 437, in which PKZIP wrote names (APPNOTE, appendix D). */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** What a header says of a name. */
export interface RawName {
  bytes: Buffer;
  /** By its flag. */
  isUtf8: boolean;
  /** Info-ZIP's extra field 0x7075: a version, the CRC of the name that it stands for, the name in UTF-8 (APPNOTE 4.6.9). */
  unicodePath: Buffer | undefined;
}

/** What the directory says about how names were written. */
export interface NameRules {
  /** A Unix system wrote it, whose names are bytes. */
  unix: boolean;
  /** Folders are told apart by backslashes. */
  backslashes: boolean;
}

/**
 * A name's text: from Info-ZIP's extra field, if it is about this very name; UTF-8 by its flag, or where a Unix system wrote
 * it; else code page 437.
 * @returns undefined where it is neither, or could be two of them
 */
export function zipName(raw: RawName, { unix, backslashes }: NameRules): string | undefined {
  const text = textOf(raw, unix);
  return backslashes && isUnicode(raw) ? text?.replaceAll('\\', '/') : text;
}

/**
 * Whether names were written on Windows by a program that separates folders by backslashes: there is one in some name, and
 * a slash in none. Info-ZIP takes them so, too. Of other code pages, a backslash may be half of a letter.
 */
export function haveBackslashes(names: readonly RawName[]): boolean {
  const texts = names.filter(isUnicode).map(({ bytes }) => bytes);
  return texts.some((name) => name.includes('\\')) && !names.some(({ bytes }) => bytes.includes('/'));
}

function isUnicode({ bytes, isUtf8 }: RawName): boolean {
  return isUtf8 || isAscii(bytes);
}

function textOf(raw: RawName, unix: boolean): string | undefined {
  const { bytes } = raw;
  const unicode = unicodePathOf(raw);
  if (unicode !== undefined) {
    // Which of two names counts, and whose slash makes a folder, depends on the program.
    const differ = raw.isUtf8 ? !unicode.equals(bytes) : isOfFolder(unicode) !== isOfFolder(bytes);
    return differ ? undefined : utf8(unicode);
  }
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (raw.isUtf8 || unix) return utf8(bytes);
  // Most programs take such a name for UTF-8, Python for code page 437, and nothing says who is right.
  if (isUtf8(bytes)) return undefined;
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, (char) => CP437[char.charCodeAt(0) - 0x80] ?? '');
}

function isOfFolder(name: Buffer): boolean {
  return name.at(-1) === 0x2f;
}

function unicodePathOf({ bytes, unicodePath }: RawName): Buffer | undefined {
  if (unicodePath === undefined || unicodePath.length < 5) return undefined;
  return unicodePath[0] === 1 && unicodePath.readUInt32LE(1) === crc32(bytes) ? unicodePath.subarray(5) : undefined;
}

function utf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}
