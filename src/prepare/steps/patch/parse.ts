import { byteString } from '../bytes.js';
import { parseGitNames, parseHeaderName, stripName } from './file-name.js';
import type { FilePatch, Hunk, Side } from './model.js';
import { isHunkStart, parseHunk } from './parse-hunk.js';
import { indentOf, PatchLines, unindent } from './patch-lines.js';

/**
 * Parses unified diffs, from diff or git, with any text before, between and after them.
 * @throws PATCH_INVALID for a malformed or binary patch, and where there is no unified diff at all
 */
export function parsePatch(content: Buffer, name: string, strip: number): FilePatch[] {
  const patch = new PatchLines(byteString(content), name);
  const parts: FilePatch[] = [];
  for (let part = nextPart(patch, strip); part !== undefined; part = nextPart(patch, strip)) parts.push(part);
  if (parts.length === 0) {
    throw patch.invalid(1, 'There is no unified diff in this patch', 'Make it with `diff -u` or `git diff`.');
  }
  return parts;
}

/** What the lines before the first hunk say. */
interface Header {
  line: number | undefined;
  names: FilePatch['names'];
  missing: { old: boolean; new: boolean };
  git: { moves: FilePatch['moves']; modes: FilePatch['modes']; old: Side; new: Side; hasChange: boolean } | undefined;
  dropCarriageReturns: boolean;
}

/** The next file's part, or undefined where only text is left. */
function nextPart(patch: PatchLines, strip: number): FilePatch | undefined {
  const header: Header = {
    line: undefined,
    names: {},
    missing: { old: false, new: false },
    git: undefined,
    dropCarriageReturns: false,
  };
  let previous = '';
  let namesLine: number | undefined;
  for (let line = patch.peek(); line !== undefined; line = patch.peek()) {
    const indent = indentOf(line);
    const text = unindent(line, indent);
    if (isHunkStart(text)) return withHunks(patch, header, indent);
    if (text.startsWith('diff --git ') && header.git?.hasChange) break;
    refuseOtherFormats(patch, text);
    readHeaderLine(header, text, patch.line, strip);
    patch.next();
    if (previous.startsWith('--- ') && text.startsWith('+++ ')) {
      demandHunk(patch, namesLine);
      // Subversion writes the names, an empty line and changes of properties, which are not of the file.
      namesLine = patch.peek()?.trim() === '' ? undefined : patch.line - 1;
    }
    previous = text;
  }
  demandHunk(patch, namesLine);
  return header.git?.hasChange ? part(patch, header, []) : undefined;
}

/** A heading that is damaged is text like any other: without this its hunks would be passed over. */
function demandHunk(patch: PatchLines, namesLine: number | undefined): void {
  if (namesLine !== undefined) {
    throw patch.invalid(namesLine, 'No hunk (`@@ -line,count +line,count @@`) follows the names of this file');
  }
}

function withHunks(patch: PatchLines, header: Header, indent: number): FilePatch {
  if (header.line === undefined) {
    throw patch.invalid(
      patch.line,
      'This hunk belongs to no file: no `---` and `+++` lines are before it, or text between it and the hunk before',
    );
  }
  const form = { indent, dropCarriageReturns: header.dropCarriageReturns };
  const hunks: Hunk[] = [];
  for (let line = patch.peek(); line !== undefined && isHunkStart(unindent(line, indent)); line = patch.peek()) {
    hunks.push(parseHunk(patch, hunks.length + 1, form));
  }
  return part(patch, header, hunks);
}

function part(patch: PatchLines, header: Header, hunks: Hunk[]): FilePatch {
  const { names, git, missing } = header;
  const [first] = hunks;
  const isOldEmpty = first !== undefined && first.before.length === 0 && first.start === 1;
  const isNewEmpty = first !== undefined && /^[ \tX]*@@ -\S+ +\+0(?!\d)/.test(first.source);
  return {
    line: header.line ?? patch.line,
    names,
    old: isOldEmpty ? (missing.old ? 'missing' : 'empty') : (git?.old ?? 'content'),
    new: isNewEmpty ? (missing.new ? 'missing' : 'empty') : (git?.new ?? 'content'),
    isGit: git !== undefined,
    moves: git?.moves,
    modes: git?.modes ?? {},
    hunks,
    droppedCarriageReturns: header.dropCarriageReturns,
  };
}

function readHeaderLine(header: Header, text: string, line: number, strip: number): void {
  const kind = /^(---|\+\+\+|Index:|diff --git) ?/.exec(text)?.[1];
  if (kind === undefined) {
    if (header.git) readGitLine(header.git, text);
    return;
  }
  if (kind !== 'Index:' && text[kind.length] !== ' ') return;
  const rest = text.slice(kind.length + (kind === 'Index:' ? 0 : 1));
  header.line ??= line;
  header.dropCarriageReturns = kind === 'diff --git' ? header.dropCarriageReturns : text.endsWith('\r\n');
  if (kind === 'diff --git') {
    header.line = line;
    header.names = {
      ...(header.names.index === undefined ? {} : { index: header.names.index }),
      ...parseGitNames(rest),
    };
    header.git = { moves: undefined, modes: {}, old: 'content', new: 'content', hasChange: false };
    return;
  }
  const side = kind === '---' ? 'old' : kind === '+++' ? 'new' : 'index';
  const { name, isMissing } = parseHeaderName(rest, side !== 'index');
  if (name === undefined) delete header.names[side];
  else header.names[side] = name;
  // A name that `strip` makes nothing of says nothing, nor does its time.
  const counts = name === undefined || stripName(name, strip) !== undefined;
  if (side !== 'index' && counts) header.missing[side] = isMissing;
}

/** Git's own lines between `diff --git` and `---`. */
function readGitLine(git: NonNullable<Header['git']>, text: string): void {
  const [, words = '', value = ''] =
    /^(index|old mode|new mode|deleted file mode|new file mode|(?:rename|copy) (?:from|to)) (.*?)\r?\n?$/.exec(text) ??
    [];
  const mode = /^[0-7]{6}$/.test(value) ? Number.parseInt(value, 8) : undefined;
  switch (words) {
    case '':
      return;
    case 'index':
      readIndexLine(git, value);
      return;
    case 'old mode':
    case 'deleted file mode':
      if (mode !== undefined) git.modes.old = mode;
      if (words === 'deleted file mode') git.new = 'missing';
      break;
    case 'new mode':
    case 'new file mode':
      if (mode !== undefined) git.modes.new = mode;
      if (words === 'new file mode') git.old = 'missing';
      break;
    default:
      git.moves = words.startsWith('rename') ? 'rename' : 'copy';
  }
  git.hasChange = true;
}

/** The object id of a file without content; an abbreviated one is a prefix of it. */
const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';

function readIndexLine(git: NonNullable<Header['git']>, value: string): void {
  const match = /^([0-9a-f]+)\.\.([0-9a-f]+)(?: ([0-7]{6}))?$/.exec(value);
  if (!match) return;
  git.old = sideOf(match[1] ?? '');
  git.new = sideOf(match[2] ?? '');
  if (match[3] !== undefined) git.modes.old = git.modes.new = Number.parseInt(match[3], 8);
}

function sideOf(id: string): Side {
  if (/^0+$/.test(id)) return 'missing';
  return EMPTY_BLOB.startsWith(id) ? 'empty' : 'content';
}

/** What would be passed over as text, and is a change that would silently not be made. */
function refuseOtherFormats(patch: PatchLines, text: string): void {
  const hint = 'Copy the new file into the tree with a `copy` step instead.';
  if (text.startsWith('GIT binary patch')) throw patch.invalid(patch.line, 'Binary patches are not supported', hint);
  if (/^Binary files .+ differ\r?\n?$/.test(text))
    throw patch.invalid(patch.line, 'The patch says that a binary file changed, but not how', hint);
  if (text.startsWith('***************')) {
    throw patch.invalid(
      patch.line,
      'This is a context diff, which is not supported',
      'Make the patch with `diff -u` or `git diff`.',
    );
  }
}
