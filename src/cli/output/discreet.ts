import { redacted } from '../../core/redaction.js';
import type { Reporter } from './reporter.js';

/** A reporter that tells no secret. It is cleaned first: laying text out may break a URL in two, which no rule then knows. */
export function discreet(reporter: Reporter): Reporter {
  return {
    emit: (event) => reporter.emit(redacted(event)),
    settle: reporter.settle,
    // Errors are clean as they are made, and must stay errors.
    succeed: ({ error, ...outcome }) => reporter.succeed({ ...redacted(outcome), ...(error ? { error } : {}) }),
    fail: reporter.fail,
  };
}
