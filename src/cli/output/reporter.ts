import type { PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';

/** What a command comes to. */
export interface Outcome {
  /** The members of the last line of `--json`. */
  result: object;
  /** What a program would want, for stdout. */
  output?: readonly string[];
  /** What a person would want to know at the end, for stderr. */
  summary?: readonly string[];
  /** The command did its work, and found what it must not find (`verify`, `test`). */
  error?: PrestageError;
}

/** Says what happens while a command runs, and what it came to. One for people, one for programs. */
export interface Reporter {
  readonly emit: Emit;
  /** Takes away whatever is drawn, until the next event: before a question, and at the end. */
  settle(): void;
  succeed(outcome: Outcome): void;
  fail(error: PrestageError, result?: object): void;
}
