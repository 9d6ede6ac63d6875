import { isUtf8 } from 'node:buffer';
import type { NameEncoding } from '../../../plan/index.js';
import { nameText } from './name-text.js';

/** Bytes of names that are looked at: enough to tell, however many names there are. */
const MAX_BYTES = 4096;
/** An encoding is worth telling if it fits this much of how well the best one does. */
const WORTH_TELLING = 0.75;
const MOST_TOLD = 3;

/** Encodings in which these names would make sense, the likeliest first. */
export function likelyEncodings(names: readonly Buffer[]): NameEncoding[] {
  const sample = sampleOf(names);
  if (sample.every(isUtf8)) return ['utf-8'];
  const fits = CANDIDATES.map((encoding) => ({ encoding, fit: fitOf(sample, encoding) })).sort((a, b) => b.fit - a.fit);
  const least = Math.max(0.3, (fits[0]?.fit ?? 0) * WORTH_TELLING);
  return fits
    .filter(({ fit }) => fit >= least)
    .slice(0, MOST_TOLD)
    .map(({ encoding }) => encoding);
}

/**
 * Whether names that were read as code page 437 are names: of letters with accents as words have them, and not of Japanese in
 * code page 932, whose letters each begin with one of those.
 */
export function looksLikeCp437(bytes: Buffer): boolean {
  const text = nameText(bytes, 'cp437') ?? '';
  return looksWestern(text) && !looksJapanese(bytes);
}

function sampleOf(names: readonly Buffer[]): Buffer[] {
  const sample: Buffer[] = [];
  let bytes = 0;
  for (const name of new Set(names.map((name) => name.toString('latin1')))) {
    bytes += name.length;
    if (bytes > MAX_BYTES && sample.length > 0) break;
    sample.push(Buffer.from(name, 'latin1'));
  }
  return sample;
}

/** In the order in which they count where two fit alike. */
const CANDIDATES = [
  ...['cp932', 'euc-kr', 'gbk', 'big5', 'euc-jp'],
  ...['cp866', 'windows-1251', 'koi8-r'],
  ...['cp437', 'cp850', 'windows-1252', 'cp852', 'windows-1250'],
] as const satisfies NameEncoding[];

function fitOf(names: readonly Buffer[], encoding: (typeof CANDIDATES)[number]): number {
  const texts = names.map((name) => nameText(name, encoding));
  if (texts.some((text) => text === undefined)) return 0;
  const pairs = encoding in PAIRS ? PAIRS[encoding as keyof typeof PAIRS] : undefined;
  const fits = names.flatMap((name, i) => (pairs === undefined ? wordFits(texts[i] ?? '') : pairFits(name, pairs)));
  return fits.length === 0 ? 0 : fits.reduce((sum, fit) => sum + fit, 0) / fits.length;
}

/**
 * How usual the letters are that begin with a byte from the one on, up to the next line's. Standards of East Asia have common
 * letters apart from rare ones: of one that is meant, nearly all are among the common.
 */
type Pairs = readonly (readonly [from: number, fit: number])[];

const PAIRS = {
  cp932: [
    [0x81, 0.7], // punctuation
    [0x82, 1], // kana
    [0x84, 0],
    [0x88, 0.9], // kanji of level 1
    [0x98, 0.3],
    [0xa0, 0.2], // half-width kana, of one byte
    [0xe0, 0.3],
    [0xeb, 0],
  ],
  'euc-kr': [
    [0x81, 0.1],
    [0xa1, 0.5],
    [0xa4, 0.1],
    [0xb0, 1], // hangul
    [0xc9, 0.2],
  ],
  gbk: [
    [0x81, 0.1],
    [0xa1, 0.6],
    [0xa4, 0.4],
    [0xa6, 0.1],
    [0xb0, 0.95], // hanzi of level 1
    [0xd8, 0.4],
    [0xf8, 0.1],
  ],
  big5: [
    [0x81, 0.1],
    [0xa1, 0.6],
    [0xa4, 0.95], // hanzi of level 1
    [0xc6, 0.1],
    [0xc9, 0.4],
    [0xfa, 0],
  ],
  'euc-jp': [
    [0x81, 0],
    [0xa1, 0.7],
    [0xa4, 1], // kana
    [0xa6, 0.1],
    [0xb0, 0.85], // kanji of level 1
    [0xd0, 0.3],
  ],
} as const satisfies Record<string, Pairs>;

function pairFits(name: Buffer, pairs: Pairs): number[] {
  const fits: number[] = [];
  for (let at = 0; at < name.length; at += 1) {
    const lead = name[at] ?? 0;
    if (lead < 0x80) continue;
    const isAlone = pairs === PAIRS.cp932 && lead >= 0xa0 && lead < 0xe0;
    if (!isAlone) at += 1;
    // Second bytes of GBK and Big5 below this are of what was added later, or common.
    const isRare = pairs === PAIRS.gbk && (name[at] ?? 0) < 0xa1;
    fits.push(isRare ? 0.1 : (pairs.findLast(([from]) => from <= lead)?.[1] ?? 0));
  }
  return fits;
}

/** For each letter that is not ASCII, how well its word is one. */
function wordFits(text: string): number[] {
  return Array.from(
    text.matchAll(/[^\x00-\x40\x5b-\x60\x7b-\x7f]*[^\x00-\x7f][^\x00-\x40\x5b-\x60\x7b-\x7f]*/g),
  ).flatMap(([word]) => {
    const letters = word.match(/[^\x00-\x7f]/g) ?? [];
    if (isRussianWord(word)) return letters.map((letter) => (/[оеаинтсрвлкмдпу]/i.test(letter) ? 1 : 0.7));
    const fit = isWesternWord(word) ? 0.9 : isCentralWord(word) ? 0.8 : 0;
    return letters.map(() => fit);
  });
}

function isRussianWord(word: string): boolean {
  return /^([А-ЯЁ]?[а-яё]+|[А-ЯЁ]+)+$/.test(word) && !/[а-яё][А-ЯЁ]{2}/.test(word);
}

/** Words of Western Europe: capital letters only at the start, or throughout, and no more accents than words have. */
function isWesternWord(word: string): boolean {
  return /^[A-Za-zÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜàáâãäåæçèéêëìíîïñòóôõöøùúûüßœŒ]+$/.test(word) && hasShapeOfWord(word);
}

function isCentralWord(word: string): boolean {
  return (
    /^[A-Za-zÁÄÉÍÓÔÖÚÜÝáäéíóôöúüýßĂăĄąĆćČčĎďĐđĘęĚěĹĺĽľŁłŃńŇňŐőŔŕŘřŚśŞşŠšŢţŤťŮůŰűŹźŻżŽžâîÂÎ]+$/.test(word) &&
    hasShapeOfWord(word)
  );
}

function hasShapeOfWord(word: string): boolean {
  const hasOddCapital = /\p{Ll}(?=[^\x00-\x7f])\p{Lu}/u.test(word);
  const isAllAccents = word.length > 1 && !/[A-Za-z]/.test(word);
  return !hasOddCapital && !isAllAccents && !/[^\x00-\x7f]{3}/.test(word);
}

function looksWestern(text: string): boolean {
  return /^[\x00-\x7fÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÖÜáíóúñÑß]*$/.test(text) && wordFits(text).every((fit) => fit > 0);
}

/** Letters of Japanese that stand alone, not as what two letters of a word look like. */
function looksJapanese(bytes: Buffer): boolean {
  const text = nameText(bytes, 'cp932');
  const isOfCommon = pairFits(bytes, PAIRS.cp932).every((fit) => fit >= 0.7);
  return (
    text !== undefined &&
    isOfCommon &&
    /(?<![A-Za-zＡ-Ｚａ-ｚ])[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}ー]+(?![A-Za-zＡ-Ｚａ-ｚ])/u.test(text)
  );
}
