import { type ErrorContext, PrestageError } from '../../../core/errors.js';

export type SetValue = string | number | boolean | null;

/** The text between two offsets, replaced: the only bytes of the file that change. */
export interface Edit {
  start: number;
  end: number;
  text: string;
  /** The key was not there. */
  added?: boolean;
}

/** Finds what must change for `key` to have `value`; undefined where it has. Throws STEP_INVALID. */
export type SetIn = (text: string, key: string, value: SetValue, file: string) => Edit | undefined;

export function applyEdit(text: string, { start, end, text: replacement }: Edit): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** The line, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** The line end that the text uses: that of its first line. */
export function lineEndOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}

export function invalid(message: string, hint: string, context: ErrorContext): PrestageError {
  return new PrestageError('STEP_INVALID', message, { hint, context });
}
