import { isAscii, isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { NameEncoding } from '../../../plan/index.js';
import { nameText } from '../names/name-text.js';

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
  /** What the configuration says of names that are not said to be UTF-8. */
  encoding: NameEncoding | undefined;
}

/**
 * A name's text: from Info-ZIP's extra field, if it is about this very name; UTF-8 by its flag; else as the configuration says;
 * else UTF-8 where a Unix system wrote it, and code page 437 where another did, as APPNOTE has it.
 * @returns undefined where it is not, or could be two of them
 */
export function zipName(raw: RawName, rules: NameRules): string | undefined {
  const text = textOf(raw, rules);
  return rules.backslashes && isKnown(raw, rules.encoding) ? text?.replaceAll('\\', '/') : text;
}

/** Whether nothing says what a name is: many programs write it in whatever code page their system has. */
export function isGuessed(raw: RawName, { unix, encoding }: NameRules): boolean {
  return !unix && !isKnown(raw, encoding) && unicodePathOf(raw) === undefined;
}

/**
 * Whether names were written on Windows by a program that separates folders by backslashes: there is one in some name, and
 * a slash in none. Info-ZIP takes them so, too. Of other code pages, a backslash may be half of a letter.
 */
export function haveBackslashes(names: readonly RawName[], encoding: NameEncoding | undefined): boolean {
  const rules = { unix: false, backslashes: false, encoding };
  const texts = names.filter((name) => isKnown(name, encoding)).map((name) => textOf(name, rules));
  return texts.some((name) => name?.includes('\\')) && !names.some(({ bytes }) => bytes.includes('/'));
}

function isKnown({ bytes, isUtf8 }: RawName, encoding: NameEncoding | undefined): boolean {
  return isUtf8 || isAscii(bytes) || encoding !== undefined;
}

function textOf(raw: RawName, { unix, encoding }: NameRules): string | undefined {
  const { bytes } = raw;
  const unicode = unicodePathOf(raw);
  if (unicode !== undefined) {
    // Which of two names counts, and whose slash makes a folder, depends on the program.
    const differ = raw.isUtf8 ? !unicode.equals(bytes) : isOfFolder(unicode) !== isOfFolder(bytes);
    return differ ? undefined : nameText(unicode, 'utf-8');
  }
  if (raw.isUtf8) return nameText(bytes, 'utf-8');
  if (encoding !== undefined || unix || isAscii(bytes)) return nameText(bytes, encoding ?? 'utf-8');
  // Most programs take such a name for UTF-8, Python for code page 437, and nothing says who is right.
  return isUtf8(bytes) ? undefined : nameText(bytes, 'cp437');
}

function isOfFolder(name: Buffer): boolean {
  return name.at(-1) === 0x2f;
}

function unicodePathOf({ bytes, unicodePath }: RawName): Buffer | undefined {
  if (unicodePath === undefined || unicodePath.length < 5) return undefined;
  return unicodePath[0] === 1 && unicodePath.readUInt32LE(1) === crc32(bytes) ? unicodePath.subarray(5) : undefined;
}
