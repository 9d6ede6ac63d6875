/** Texts of patches and of the files that they change are byte strings: one character (U+0000 to U+00FF) a byte. */

export interface HunkLine {
  kind: ' ' | '-' | '+';
  /** With its line feed, unless it is the last of a file that does not end in one. */
  text: string;
}

export interface Hunk {
  /** From 1, in its file's part. */
  number: number;
  /** The line of the patch that its `@@` is on. */
  line: number;
  /** As in the patch, for people. */
  source: string;
  /** The line where it expects to begin, from 1; for one without old lines, the line that it goes before. */
  start: number;
  lines: readonly HunkLine[];
  /** What it takes for granted and removes. */
  before: readonly string[];
  /** How many lines of context are before the first change, and after the last. */
  prefix: number;
  suffix: number;
}

/** What a patch says of a side: a file with content; a file that is probably empty; no file. */
export type Side = 'content' | 'empty' | 'missing';

/** One file's part of a patch. */
export interface FilePatch {
  /** The line of the patch on which it starts. */
  line: number;
  /** Names as the patch gives them, before `strip`. */
  names: { old?: string; new?: string; index?: string };
  /** All names that the patch gives, those included that \`strip\` makes nothing of; for people. */
  written: readonly string[];
  old: Side;
  new: Side;
  /** Whether it is git's: its changes are relative to what was there before the whole run of git's parts. */
  isGit: boolean;
  moves: 'rename' | 'copy' | undefined;
  /** Git's modes: six octal digits as a number, with the type (0o100644, 0o120000). */
  modes: { old?: number; new?: number };
  hunks: readonly Hunk[];
  /** Whether carriage returns at line ends were taken as damage in transport and dropped. */
  droppedCarriageReturns: boolean;
}
