import type { PrestageError } from '../../../core/errors.js';
import type { PatchLines } from './patch-lines.js';

const MAKE_UNIFIED = 'Make the whole patch with `diff -u` or `git diff`.';
const COPY_INSTEAD = 'Copy the new file into the tree with a `copy` step instead.';

/** `2c2`, `5,7d4`: the heading of a hunk of a normal diff, and perhaps a command of ed. */
const COMMAND = /^\d[\d,]*[acd][\d,]*[ \t]*\r?\n$/;
const LIKE_A_COMMAND = /^\d[\d,]*[acd]/;
const ED_COMMAND = /^(?:\d+(?:,\d+)?[cd]|\d*[ai]|[cd]|(?:\d+(?:,\d+)?)?s\/\.\/\/)[ \t]*\r?\n$/;

/**
 * Changes in another format than unified diffs, which would be passed over as text and so silently not be made. They are
 * told from text as GNU patch does: binary ones anywhere, others only where a line of a header names a file before.
 */
export class OtherFormats {
  readonly #patch: PatchLines;
  #hasStars = false;
  #indent = 0;
  /** Whether the last line that was like a command was one: where `< ` or `> ` follows, it is a normal diff. */
  #isCommand = false;
  /** The first line after a header that may be a command of ed; `isEd`: no other format has such a line. */
  #first: { line: number; isEd: boolean } | undefined;

  constructor(patch: PatchLines) {
    this.#patch = patch;
  }

  /** @throws PATCH_INVALID where the next line of the patch, here without its indentation, is of such a change */
  refuse(text: string, indent: number, hasHeader: boolean): void {
    const { line } = this.#patch;
    this.#refuseBinary(text, line);
    const wasCommand = this.#isCommand;
    if (LIKE_A_COMMAND.test(text)) this.#isCommand = COMMAND.test(text);
    if (hasHeader) {
      const isEd = ED_COMMAND.test(text);
      if (isEd || this.#isCommand) this.#first ??= { line, isEd };
      if (this.#first !== undefined && text === '.\n') throw this.#unsupported('a script for ed', this.#first.line);
      if (this.#hasStars && indent === this.#indent && text.startsWith('*** '))
        throw this.#unsupported('a context diff', line - 1);
      if (wasCommand && /^[<>] /.test(text)) throw this.#unsupported('a normal diff', line - 1);
    }
    this.#hasStars = text.startsWith('********');
    this.#indent = indent;
  }

  /** A script of ed that only deletes has no line with a dot: the end of the patch tells it. @throws PATCH_INVALID */
  refuseAtEnd(): void {
    if (this.#first?.isEd) throw this.#unsupported('a script for ed', this.#first.line);
  }

  #unsupported(format: string, line: number): PrestageError {
    return this.#patch.invalid(line, `This is ${format}, which is not supported`, MAKE_UNIFIED);
  }

  #refuseBinary(text: string, line: number): void {
    if (text.startsWith('GIT binary patch'))
      throw this.#patch.invalid(line, 'Binary patches are not supported', COPY_INSTEAD);
    if (/^Binary files .+ differ\r?\n?$/.test(text))
      throw this.#patch.invalid(line, 'The patch says that a binary file changed, but not how', COPY_INSTEAD);
  }
}
