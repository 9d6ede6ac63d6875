import { PrestageError } from '../../../core/errors.js';
import { readable } from '../bytes.js';

/** The lines of a text, each with its line feed; the last may have none. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    lines.push(text.slice(start, end + 1));
    start = end + 1;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}

/** A patch that is read line by line. */
export class PatchLines {
  readonly #lines: readonly string[];
  /** The patch's name, for errors. */
  readonly name: string;
  #at = 0;

  constructor(text: string, name: string) {
    this.#lines = splitLines(text);
    this.name = name;
  }

  /** The number, from 1, of the line that `peek` shows. */
  get line(): number {
    return this.#at + 1;
  }

  peek(): string | undefined {
    return this.#lines[this.#at];
  }

  next(): string | undefined {
    const line = this.#lines[this.#at];
    if (line !== undefined) this.#at += 1;
    return line;
  }

  /** The lines from one number to before the next line, as they are. */
  since(line: number): string {
    return this.#lines.slice(line - 1, this.#at).join('');
  }

  /** The line that was read last has no line feed. */
  endsInLine(): PrestageError {
    return this.invalid(
      this.line - 1,
      'The patch ends in the middle of a line',
      'The file was cut off, or an editor took its last line feed away: copy it again, or add the line feed.',
    );
  }

  invalid(line: number, problem: string, hint?: string): PrestageError {
    const found = this.#lines[line - 1];
    const shown = found === undefined ? '' : `: ${JSON.stringify(readable(found.trimEnd()).slice(0, 100))}`;
    return new PrestageError('PATCH_INVALID', `${this.name}:${line}: ${problem}${shown}.`, {
      hint:
        hint ??
        'Make the patch again with `diff -u` or `git diff`; one that was edited by hand must have its line counts corrected.',
      context: { file: this.name, line },
    });
  }
}

const TAB = 8;

/** How many columns of blanks (and `X`, which some mailers put) a line starts with. */
export function indentOf(line: string): number {
  let columns = 0;
  for (const character of line) {
    if (character === '\t') columns = columns - (columns % TAB) + TAB;
    else if (character === ' ' || character === 'X') columns += 1;
    else break;
  }
  return columns;
}

/** A line without up to this many columns of indentation: a patch may be quoted in a text. */
export function unindent(line: string, columns: number): string {
  let [at, column] = [0, 0];
  while (column < columns) {
    const character = line[at];
    if (character === '\t') column = column - (column % TAB) + TAB;
    else if (character === ' ' || character === 'X') column += 1;
    else break;
    at += 1;
  }
  return line.slice(at);
}
