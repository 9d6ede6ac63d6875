import { PrestageError } from '../../core/errors.js';
import { shownPath } from '../../core/shown-path.js';

/** CONFIG_SYNTAX: the file is not what its ending says, or it threw when it was run. */
export function syntaxError(
  file: string,
  line: number | undefined,
  fault: string,
  hint: string,
  cause?: unknown,
): PrestageError {
  const place = line === undefined ? shownPath(file) : `${shownPath(file)}:${line}`;
  return new PrestageError('CONFIG_SYNTAX', `${place}: ${fault}`, {
    hint,
    context: { file, ...(line === undefined ? {} : { line }) },
    cause,
  });
}
