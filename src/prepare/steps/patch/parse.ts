import { byteString } from '../bytes.js';
import { emptyHeader, type Header, isOfTwoFiles, movesOf, namesOf, readHeaderLine } from './header.js';
import type { FilePatch, Hunk } from './model.js';
import { OtherFormats } from './other-formats.js';
import { isHunkStart, parseHunk } from './parse-hunk.js';
import { indentOf, PatchLines, unindent } from './patch-lines.js';

/**
 * Parses unified diffs, from diff or git, with any text before, between and after them.
 * @throws PATCH_INVALID for a malformed or binary patch, and where there is no unified diff at all
 */
export function parsePatch(content: Buffer, name: string, strip: number): FilePatch[] {
  const patch = new PatchLines(byteString(content), name);
  refuseUtf16(patch, content);
  const parts: FilePatch[] = [];
  const before: Before = { indent: undefined };
  for (let part = nextPart(patch, strip, before); part !== undefined; part = nextPart(patch, strip, before))
    parts.push(part);
  if (parts.length === 0) {
    throw patch.invalid(1, 'There is no unified diff in this patch', 'Make it with `diff -u` or `git diff`.');
  }
  return parts;
}

/** What PowerShell 5 makes of `git diff > file`. GNU patch finds only garbage in it. */
function refuseUtf16(patch: PatchLines, content: Buffer): void {
  const [first, second] = content;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || second === 0;
  if (!isUtf16) return;
  throw patch.invalid(
    1,
    'The patch is in UTF-16, which the redirection (`>`) of Windows PowerShell writes',
    'Let git write the file itself: `git diff --output=FILE`. Redirection in PowerShell 7 and in cmd does no harm either.',
  );
}

/** Where the part before the next one ended: what its hunks look like. */
interface Before {
  /** Undefined: there is no part before, or it has no hunk. */
  indent: number | undefined;
}

/** The next file's part, or undefined where only text is left. */
function nextPart(patch: PatchLines, strip: number, before: Before): FilePatch | undefined {
  const header = emptyHeader();
  const others = new OtherFormats(patch);
  let previous = '';
  let namesLine: number | undefined;
  for (let line = patch.peek(); line !== undefined; line = patch.peek()) {
    const indent = indentOf(line);
    const text = unindent(line, indent);
    if (isHunkStart(text) && !isProse(header, indent, before)) return withHunks(patch, header, indent, before);
    if (text.startsWith('diff --git ') && header.git?.hasChange) break;
    readHeaderLine(header, text, patch.line, strip);
    others.refuse(text, indent, header.line !== undefined);
    patch.next();
    if (previous.startsWith('--- ') && text.startsWith('+++ ')) {
      demandHunk(patch, namesLine);
      // Subversion writes the names, an empty line and changes of properties, which are not of the file.
      namesLine = patch.peek()?.trim() === '' ? undefined : patch.line - 1;
    }
    previous = text;
  }
  demandHunk(patch, namesLine);
  if (header.git?.needsHunks) {
    throw patch.invalid(
      header.gitLine?.line ?? patch.line,
      "No hunk follows, and git's `index` line says that the content changes",
    );
  }
  if (patch.peek() === undefined) {
    others.refuseAtEnd();
    if (header.line !== undefined && !previous.endsWith('\n')) throw patch.endsInLine();
  }
  before.indent = undefined;
  return header.git?.hasChange ? part(patch, header, []) : undefined;
}

/** A hunk that a text quotes: it is indented, other than the hunks before it, and names no file. */
function isProse(header: Header, indent: number, before: Before): boolean {
  return header.line === undefined && indent > 0 && indent !== before.indent;
}

/** A heading that is damaged is text like any other: without this its hunks would be passed over. */
function demandHunk(patch: PatchLines, namesLine: number | undefined): void {
  if (namesLine !== undefined) {
    throw patch.invalid(namesLine, 'No hunk (`@@ -line,count +line,count @@`) follows the names of this file');
  }
}

function withHunks(patch: PatchLines, header: Header, indent: number, before: Before): FilePatch {
  if (header.line === undefined) {
    throw patch.invalid(
      patch.line,
      'This hunk belongs to no file: no `---` and `+++` lines are before it, or text between it and the hunk before',
    );
  }
  if (isOfTwoFiles(header)) {
    throw patch.invalid(
      header.gitLine?.line ?? header.line,
      'The names of `---` and `+++` are not those of this `diff --git` line, and git says that it creates, deletes, moves or changes the mode of that file',
      'If two patches were joined here, keep them in two files; if the names were edited, change them in all lines of this part.',
    );
  }
  const form = { indent, dropCarriageReturns: header.dropCarriageReturns };
  const hunks: Hunk[] = [];
  for (let line = patch.peek(); line !== undefined && isHunkStart(unindent(line, indent)); line = patch.peek()) {
    hunks.push(parseHunk(patch, hunks.length + 1, form));
  }
  before.indent = indent;
  return part(patch, header, hunks);
}

function part(patch: PatchLines, header: Header, hunks: Hunk[]): FilePatch {
  const { git, missing } = header;
  const moves = movesOf(header);
  if (moves === 'half') {
    throw patch.invalid(
      header.gitLine?.line ?? patch.line,
      'Of a rename or a copy, git writes `from` and `to`, and here one of the lines is missing',
    );
  }
  const [first] = hunks;
  const isOldEmpty = first !== undefined && first.before.length === 0 && first.start === 1;
  const isNewEmpty = first !== undefined && /^[ \tX]*@@ -\S+ +\+0(?!\d)/.test(first.source);
  return {
    line: header.line ?? patch.line,
    names: namesOf(header, hunks.length > 0),
    written: header.written,
    old: isOldEmpty ? (missing.minus ? 'missing' : 'empty') : (git?.old ?? 'content'),
    new: isNewEmpty ? (missing.plus ? 'missing' : 'empty') : (git?.new ?? 'content'),
    isGit: git !== undefined,
    moves,
    modes: git?.modes ?? {},
    hunks,
    droppedCarriageReturns: header.dropCarriageReturns,
  };
}
