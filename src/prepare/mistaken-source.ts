import type { Recipe } from '../config/index.js';
import { PrestageError } from '../core/errors.js';
import { quoted, shortened } from '../core/shortened.js';
import { isZero, SUPPORTED_FORMATS } from './archives/index.js';

/** What is looked at of a source that stays one file: enough for the title of a page. */
export const LOOKED_AT_BYTES = 64 * 1024;

const ARCHIVE_NAME = /\.(tar|tar\.\w+|tgz|tbz2?|txz|tzst|zip|jar|war|ear|whl|nupkg|7z|deb|rpm|cpio|cpio\.\w+)$/i;
const COMPRESSED: readonly (readonly [name: RegExp, signature: RegExp])[] = [
  [/\.gz$/i, /^\x1f\x8b/],
  [/\.xz$/i, /^\xfd7zXZ\0/],
  [/\.bz2$/i, /^BZh/],
  [/\.zst$/i, /^([\x50-\x5f]\x2a\x4d\x18|\x28\xb5\x2f\xfd)/],
];
/** A zip, or a program before one. */
const ZIP_START = /^(PK(\x03\x04|\x05\x06)|#!|MZ|\x7fELF)/;

/**
 * Refuses a source that stays one file because its content shows no archive, where its name says that it is one, or where
 * it was to be extracted: it is empty, a page that a server sent instead of the file, and the like.
 * @param head its first bytes, `LOOKED_AT_BYTES` of them, or all there are
 * @throws ARCHIVE_UNSUPPORTED
 */
export function refuseMistaken({ source, extract }: Recipe, head: Buffer, isRemote: boolean): void {
  if (extract === false) return;
  const { name } = source;
  const found = whatItIs(head);
  if (typeof extract === 'object') throw notTheArchive(name, `is to be extracted, and ${found.is}`, found.hint);
  const isMisnamed = extract === 'single' ? !ZIP_START.test(textOf(head)) : namesOther(name, head);
  if (isMisnamed) throw notTheArchive(name, `is an archive by its name, and ${found.is}`, found.hint);
  const isPage = isRemote && found.isPage && !/\.x?html?$/i.test(name);
  if (isPage) throw notTheArchive(name, found.is, found.hint);
}

function namesOther(name: string, head: Buffer): boolean {
  if (ARCHIVE_NAME.test(name)) return true;
  return COMPRESSED.some(([ending, signature]) => ending.test(name) && !signature.test(textOf(head)));
}

function whatItIs(head: Buffer): { is: string; hint: string; isPage?: true } {
  const text = head.toString('utf8');
  if (head.length === 0) return { is: 'is empty', hint: 'Fetch or build it again: writing it may have failed.' };
  if (text.startsWith('version https://git-lfs.github.com/spec/'))
    return { is: 'is a pointer of Git LFS, not the file itself', hint: 'Run `git lfs pull` where it comes from.' };
  if (/^\s*<(!doctype html|html|head)\b/i.test(text)) {
    const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1]?.trim().replace(/\s+/g, ' ');
    const titled = title ? ` with the title ${quoted(shortened(title, 100))}` : '';
    const hint = 'A server may send a page to log in, or one that says why not. Check the address, and what it needs.';
    return { is: `is an HTML page${titled}`, hint, isPage: true };
  }
  if (isZero(head)) return { is: 'begins with nothing but zeros', hint: 'An empty tar is such, and a damaged file.' };
  const begins = head
    .subarray(0, 8)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
  return {
    is: `begins as no archive that is supported (${begins})`,
    hint: 'It may be damaged, or lack its beginning: compare its digest with what its maker publishes.',
  };
}

function notTheArchive(name: string, what: string, hint: string): PrestageError {
  return new PrestageError('ARCHIVE_UNSUPPORTED', `${name} ${what}.`, {
    hint: `${hint} Supported are ${SUPPORTED_FORMATS}. \`extract: false\` keeps whatever it is as one file.`,
    context: { file: name, reason: 'format' },
  });
}

function textOf(head: Buffer): string {
  return head.toString('latin1', 0, 16);
}
