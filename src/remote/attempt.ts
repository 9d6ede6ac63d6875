import { type ErrorDetails, PrestageError } from '../core/errors.js';

/** A failed attempt that may succeed later. */
export class Attempt extends PrestageError {
  /** How long the server asked to wait. */
  readonly notBeforeMs: number;
  /** How often in a row it may fail, where that is less than the usual. */
  readonly maxFailures: number;

  constructor(
    message: string,
    {
      notBeforeMs = 0,
      maxFailures = Number.POSITIVE_INFINITY,
      ...details
    }: ErrorDetails & { notBeforeMs?: number; maxFailures?: number },
  ) {
    super('SOURCE_UNREACHABLE', message, { ...details, retryable: true });
    this.notBeforeMs = notBeforeMs;
    this.maxFailures = maxFailures;
  }
}
