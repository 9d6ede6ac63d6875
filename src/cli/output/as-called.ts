import type { PrestageError } from '../../core/errors.js';
import type { Reporter } from './reporter.js';

const COMMAND =
  /`prestage ((?:deploy|plan|status|verify|releases|diff|explain|rollback|prune|logs|report|doctor|test|support|destroy)\b[^`]*)`/g;

/** Commands in a text as the caller of this one would call them: with its environment and its configuration. */
export function asCalled(text: string, commandLine: (rest: string) => string): string {
  return text.replace(COMMAND, (_, rest: string) => `\`${commandLine(rest)}\``);
}

/** A reporter that names commands so. */
export function callingBack(reporter: Reporter, commandLine: (rest: string) => string): Reporter {
  const called = (text: string) => asCalled(text, commandLine);
  return {
    emit: (event) => {
      if (event.type !== 'warning' || event.hint === undefined) return reporter.emit(event);
      reporter.emit({ ...event, hint: called(event.hint) });
    },
    settle: reporter.settle,
    succeed: ({ error, ...outcome }) =>
      reporter.succeed({ ...outcome, ...(error ? { error: worded(error, called) } : {}) }),
    fail: (error, result) => reporter.fail(worded(error, called), result),
  };
}

function worded(error: PrestageError, called: (text: string) => string): PrestageError {
  const { message, hint, errors } = error;
  return error.with({
    message: called(message),
    ...(hint === undefined ? {} : { hint: called(hint) }),
    errors: errors.map((each) => worded(each, called)),
  });
}
