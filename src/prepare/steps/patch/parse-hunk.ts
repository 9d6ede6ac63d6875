import type { Hunk, HunkLine } from './model.js';
import { type PatchLines, unindent } from './patch-lines.js';

/** How the lines of a part are read. */
export interface LineForm {
  /** Columns of indentation to drop. */
  indent: number;
  dropCarriageReturns: boolean;
}

const HEADING = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@?/;

/** Mail programs cut empty lines off the end: up to this many may be missing there. */
const MAY_BE_CUT_OFF = 3;

export function isHunkStart(line: string): boolean {
  return line.startsWith('@@ -');
}

/** Parses the hunk that the next line starts. @throws PATCH_INVALID */
export function parseHunk(patch: PatchLines, number: number, form: LineForm): Hunk {
  const first = patch.line;
  const heading = HEADING.exec(unindent(patch.next() ?? '', form.indent));
  if (!heading) throw patch.invalid(first, 'This is not the heading of a hunk (`@@ -line,count +line,count @@`)');
  const count = { old: Number(heading[2] ?? 1), new: Number(heading[4] ?? 1) };
  const oldLine = Number(heading[1]);
  // Counting by ones gets nowhere beyond; GNU patch has such a limit too.
  if ([oldLine, Number(heading[3]), count.old, count.new].some((number) => !Number.isSafeInteger(number)))
    throw patch.invalid(first, 'A number in the heading of this hunk is too large');
  const lines = readLines(patch, count, form);
  const change = lines.findIndex(({ kind }) => kind !== ' ');
  if (change === -1) throw patch.invalid(first, 'This hunk changes nothing: it has no line with `-` or `+`');
  const lastChange = lines.findLastIndex(({ kind }) => kind !== ' ');
  return {
    number,
    line: first,
    source: patch.since(first),
    start: count.old === 0 ? oldLine + 1 : oldLine,
    lines,
    before: lines.filter(({ kind }) => kind !== '+').map(({ text }) => text),
    prefix: change,
    suffix: lines.length - 1 - lastChange,
  };
}

function readLines(patch: PatchLines, count: { old: number; new: number }, form: LineForm): HunkLine[] {
  const left = { ...count };
  const lines: HunkLine[] = [];
  while (left.old > 0 || left.new > 0) {
    const at = patch.line;
    const { kind, text } = nextLine(patch, form) ?? cutOff(patch, left);
    if (kind !== '+') left.old -= 1;
    if (kind !== '-') left.new -= 1;
    if (left.old < 0 || left.new < 0)
      throw patch.invalid(at, "This line is one too many for the counts in the hunk's heading");
    if (!text.endsWith('\n') && left[kind === '+' ? 'new' : 'old'] > 0)
      throw patch.invalid(at, 'This line has no line feed, says the next one, and is not the last of the hunk');
    lines.push({ kind, text });
  }
  return lines;
}

/** The next line of a hunk, without its line feed where `\ No newline at end of file` follows. */
function nextLine(patch: PatchLines, form: LineForm): HunkLine | undefined {
  const at = patch.line;
  const raw = patch.next();
  if (raw === undefined) return undefined;
  if (!raw.endsWith('\n')) throw patch.endsInLine();
  const line = clean(raw, form);
  const isIncomplete = readNoLineFeed(patch, form);
  const text = isIncomplete && line.endsWith('\n') ? line.slice(0, -1) : line;
  switch (text[0]) {
    case ' ':
    case '-':
    case '+':
      return { kind: text[0], text: text.slice(1) };
    case '=':
      return { kind: ' ', text: text.slice(1) };
    case '\t':
    case '\n':
    case undefined:
      return { kind: ' ', text }; // a mailer ate the blank
    default:
      throw patch.invalid(
        at,
        'A hunk ends before the lines that its heading counts, or has a line without a `-`, `+` or blank',
      );
  }
}

/** Reads `\ No newline at end of file`, whatever its language. */
function readNoLineFeed(patch: PatchLines, form: LineForm): boolean {
  const following = patch.peek();
  if (following === undefined || !unindent(following, form.indent).startsWith('\\')) return false;
  // GNU patch does not see it in an indented patch, and adds a line feed or fails.
  if (form.indent > 0)
    throw patch.invalid(patch.line, 'An indented patch cannot say that a file does not end in a line feed');
  patch.next();
  return true;
}

function clean(raw: string, form: LineForm): string {
  const line = unindent(raw, form.indent);
  return form.dropCarriageReturns && line.endsWith('\r\n') ? `${line.slice(0, -2)}\n` : line;
}

function cutOff(patch: PatchLines, left: { old: number; new: number }): HunkLine {
  if (left.old !== left.new || left.old > MAY_BE_CUT_OFF)
    throw patch.invalid(patch.line - 1, 'The patch ends in the middle of a hunk, after this line');
  return { kind: ' ', text: '\n' };
}
