import { stripVTControlCharacters } from 'node:util';
import type { OutputStream } from '../streams.js';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_BELOW = '\u001b[J';

/**
 * Rows at the bottom of a terminal that are drawn over each other, with lines that stay above them. Each change is one
 * write, so that nothing flickers, and the cursor is hidden only while there are rows.
 */
export class LiveRegion {
  readonly #stream: OutputStream;
  #drawn: string[] = [];

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  /** Draws `rows` in place of those that are there, below `lines`, which stay. */
  draw(rows: readonly string[], lines: readonly string[] = []): void {
    if (lines.length === 0 && rows.length === this.#drawn.length && rows.every((row, i) => row === this.#drawn[i]))
      return;
    const text = [...lines, ...rows].map((line) => `${line}\n`).join('');
    const cursor = rows.length > 0 ? HIDE_CURSOR : this.#drawn.length > 0 ? SHOW_CURSOR : '';
    this.#stream.write(this.#back() + text + cursor);
    this.#drawn = [...rows];
  }

  /** To the start of what is drawn. A terminal that was made narrower has broken its rows into more lines. */
  #back(): string {
    if (this.#drawn.length === 0) return '';
    const columns = this.#stream.columns ?? 80;
    const lines = this.#drawn.reduce(
      (sum, row) => sum + Math.max(1, Math.ceil(stripVTControlCharacters(row).length / columns)),
      0,
    );
    return `\u001b[${lines}A\r${CLEAR_BELOW}`;
  }
}
