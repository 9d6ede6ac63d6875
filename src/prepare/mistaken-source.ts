import { PrestageError } from '../core/errors.js';
import { quoted, shortened } from '../core/shortened.js';
import type { Recipe } from '../plan/index.js';
import { isZero, SUPPORTED_FORMATS } from './archives/index.js';

/** What is looked at of a source that stays one file: enough for the title of a page. */
export const LOOKED_AT_BYTES = 64 * 1024;

/** What a server said of a file that was fetched from it: as what, and under which name. */
export interface Said {
  contentType?: string | undefined;
  fileName?: string | undefined;
}

const ARCHIVE_NAME = /\.(tar|tar\.\w+|tgz|tbz2?|txz|tzst|zip|jar|war|ear|whl|nupkg|7z|iso|deb|rpm|cpio|cpio\.\w+)$/i;
const ARCHIVE_TYPE =
  /^application\/(x-)?(zip|zip-compressed|tar|gtar|ustar|compressed-tar|java-archive|7z-compressed|iso9660-image|cpio|rpm|redhat-package-manager|debian-package|vnd\.debian\.binary-package)$/i;
/** What is compressed may be one file, such as a dump of a database, and then it has the signature. */
const COMPRESSED: readonly (readonly [name: RegExp, type: RegExp, signature: RegExp])[] = [
  [/\.gz$/i, /^application\/(x-)?gzip(-compressed)?$/i, /^\x1f\x8b/],
  [/\.xz$/i, /^application\/(x-)?xz$/i, /^\xfd7zXZ\0/],
  [/\.bz2$/i, /^application\/(x-)?bzip2?$/i, /^BZh/],
  [/\.lz4$/i, /^application\/(x-)?lz4$/i, /^(\x04\x22\x4d|\x02\x21\x4c|[\x50-\x5f]\x2a\x4d)\x18/],
  [/\.lz$/i, /^application\/(x-)?lzip$/i, /^LZIP/],
  [/\.zst$/i, /^application\/(x-)?zstd$/i, /^([\x50-\x5f]\x2a\x4d\x18|\x28\xb5\x2f\xfd)/],
];
/** A zip, or a program before one. */
const ZIP_START = /^(PK(\x03\x04|\x05\x06)|#!|MZ|\x7fELF)/;

/**
 * Refuses a source that stays one file because its content shows no archive, where its name, or the server that it was
 * fetched from, says that it is one, or where it was to be extracted: it is empty, a page that a server sent instead of the
 * file, and the like. A pointer of Git LFS is refused whatever it is called: nobody wants that for the file.
 * @param head its first bytes, `LOOKED_AT_BYTES` of them, or all there are
 * @param said undefined where it comes from no http server
 * @throws ARCHIVE_UNSUPPORTED
 */
export function refuseMistaken({ source, extract }: Recipe, head: Buffer, said: Said | undefined): void {
  if (extract === false) return;
  const { name } = source;
  const found = whatItIs(head);
  const refuse = (claim: string) => mistaken(name, `${claim}${found.is}`, found);
  if (typeof extract === 'object') throw refuse('must be extracted, and ');
  const isMisnamed = extract === 'single' ? !ZIP_START.test(textOf(head)) : namesOther(name, head);
  if (isMisnamed) throw refuse('is an archive by its name, and ');
  const claim = extract === 'single' ? undefined : claimOf(said, head);
  if (claim !== undefined) throw refuse(`is an archive by ${claim}, and `);
  const isPage = said !== undefined && found.isPage && !/\.x?html?$/i.test(name);
  if (isPage || found.isPointer) throw refuse('');
}

/** By what a server says that a file is an archive which it is not. */
function claimOf({ contentType = '', fileName = '' }: Said = {}, head: Buffer): string | undefined {
  if (namesOther(fileName, head)) return `the name that its server gives it (${shortened(fileName, 100)})`;
  const [, type = ''] = /^\s*([^\s;]+)/.exec(contentType) ?? [];
  return isTypeOfOther(type, head) ? `the type that its server gives it (${type})` : undefined;
}

function namesOther(name: string, head: Buffer): boolean {
  if (ARCHIVE_NAME.test(name)) return true;
  return COMPRESSED.some(([ending, , signature]) => ending.test(name) && !signature.test(textOf(head)));
}

function isTypeOfOther(type: string, head: Buffer): boolean {
  if (ARCHIVE_TYPE.test(type)) return true;
  return COMPRESSED.some(([, ofType, signature]) => ofType.test(type) && !signature.test(textOf(head)));
}

interface Found {
  is: string;
  hint: string;
  isPage?: true;
  isPointer?: true;
}

/** As git-lfs(1) has it in docs/spec.md: less than 1,024 bytes, of lines `key value`. */
const POINTER =
  /^version https:\/\/git-lfs\.github\.com\/spec\/\S+\r?\n(?:[a-z\d.-]+ .*\r?\n)*oid \S+\r?\nsize \d+\s*$/;
const POINTER_BYTES = 1024;

const PAGE = /^<(?:!doctype html|html|head|body)\b/i;

function withoutLeadingComments(text: string): string {
  let rest = text.replace(/^\uFEFF/, '').trimStart();
  while (rest.startsWith('<!--')) {
    const end = rest.indexOf('-->');
    if (end < 0) return rest;
    rest = rest.slice(end + '-->'.length).trimStart();
  }
  return rest;
}

function whatItIs(head: Buffer): Found {
  const text = head.toString('utf8');
  if (head.length === 0) return { is: 'is empty', hint: 'Fetch or build it again: writing it may have failed.' };
  if (head.length < POINTER_BYTES && POINTER.test(text))
    return {
      is: 'is a pointer of Git LFS, not the file itself',
      hint: 'Run `git lfs pull` where it comes from.',
      isPointer: true,
    };
  if (PAGE.test(withoutLeadingComments(text))) {
    const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1]?.trim().replace(/\s+/g, ' ');
    const titled = title ? ` with the title ${quoted(shortened(title, 100))}` : '';
    const hint = 'A server may send a page to log in, or one that says why not. Check the address, and what it needs.';
    return { is: `is an HTML page${titled}`, hint, isPage: true };
  }
  if (isZero(head))
    return { is: 'begins with nothing but zeros', hint: 'An empty tar looks like this, and so does a damaged file.' };
  const begins = head
    .subarray(0, 8)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
  return {
    is: `does not begin like a supported archive (${begins})`,
    hint: `It may be damaged, or lack its beginning: compare its digest with what its maker publishes. Supported are ${SUPPORTED_FORMATS}.`,
  };
}

function mistaken(name: string, what: string, { hint }: Found): PrestageError {
  return new PrestageError('ARCHIVE_UNSUPPORTED', `${name} ${what}.`, {
    hint: `${hint} \`extract: false\` keeps whatever it is as one file.`,
    context: { file: name, reason: 'format' },
  });
}

function textOf(head: Buffer): string {
  return head.toString('latin1', 0, 16);
}
