import type { SetValue } from './set-format.js';
import type { SourceText } from './source-text.js';

/** Puts `text` in the place of what is at `start` up to `end` (offsets in a source's text). */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** How one key gets its value. */
export interface Setting {
  /** The value's name in what `read` gives, which is one for each place of the file. */
  path: string;
  /** What `read` is to give there afterwards. */
  expected: string;
  /** The key was not there before. */
  added: boolean;
  /** Empty: it has this value already. */
  edits: readonly Edit[];
}

/** What a format can do. Both throw STEP_INVALID for a text that is not of the format. */
export interface Format {
  /** Finds the bytes that a key's value stands in, and what to write there. */
  set(source: SourceText, key: string, value: SetValue): Setting;
  /** All that the text says, each value by its path: what proves that an edit changed nothing else. */
  read(source: SourceText): Map<string, string>;
}

/** The text after the edits, none of which may overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { start, end, text: put } of [...edits].sort((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + put + result.slice(end);
  }
  return result;
}

/** The line end that a text uses, by its first one. */
export function lineEnd(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}

/** Where the line after the one of `position` begins, or the text's end. */
export function nextLine(text: string, position: number): number {
  const end = /\r\n|\n|\r/g;
  end.lastIndex = position;
  return end.exec(text) ? end.lastIndex : text.length;
}

/** Inserts whole lines (without the last line end) where a line begins, or at the end of a text that lacks its last line end. */
export function insertLines(text: string, position: number, lines: string): Edit {
  const eol = lineEnd(text);
  const isOpen = position > 0 && !/[\r\n]/.test(text.charAt(position - 1));
  return { start: position, end: position, text: isOpen ? eol + lines : lines + eol };
}

/** The value as plain text, for formats without types. */
export function plainText(value: SetValue): string {
  return value === null ? '' : String(value);
}
