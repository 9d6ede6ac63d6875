import { PrestageError } from '../core/errors.js';
import { pause } from '../core/pause.js';
import { Attempt } from './attempt.js';

export interface Retry {
  /** From 1: the number of the failed attempt, in a row without progress. */
  attempt: number;
  delayMs: number;
  reason: string;
}

export interface RetryPolicy {
  signal: AbortSignal;
  onRetry: (retry: Retry) => void;
  /** The first pause; each further one is twice as long, up to 15 s. */
  baseDelayMs?: number;
  /** How often in a row an attempt may fail without progress; 7 is about half a minute in all. */
  maxFailures?: number;
}

const MAX_FAILURES = 7;
const MAX_DELAY_MS = 15_000;
/** A server that asks for more patience than this will not be waited for. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** The patience with one source: exponential backoff with jitter, starting again with each progress. */
export class Attempts {
  readonly #policy: RetryPolicy;
  #failures = 0;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
  }

  /** Bytes came that had not come before. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Runs `attempt` until it succeeds. @throws its error, where trying again is no use or patience is used up. */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        await this.failed(error);
      }
    }
  }

  /** Waits before the next attempt. @throws the error, where there is to be none. */
  async failed(error: unknown): Promise<void> {
    const { signal, onRetry, baseDelayMs = 500, maxFailures = MAX_FAILURES } = this.#policy;
    signal.throwIfAborted();
    if (!(error instanceof Attempt)) throw error;
    this.#failures += 1;
    const patience = Math.min(maxFailures, error.maxFailures);
    if (this.#failures >= patience) throw exhausted(error, `after ${this.#failures} attempts`);
    if (error.notBeforeMs > MAX_RETRY_AFTER_MS)
      throw exhausted(error, `and asks to wait ${Math.ceil(error.notBeforeMs / 60_000)} minutes`);
    const backoff = Math.min(MAX_DELAY_MS, baseDelayMs * 2 ** (this.#failures - 1));
    // Half fixed, half random: many workers that lost one server do not come back in step.
    const delayMs = Math.max(error.notBeforeMs, Math.round(backoff / 2 + (Math.random() * backoff) / 2));
    onRetry({ attempt: this.#failures, delayMs, reason: error.message });
    await pause(delayMs, signal);
  }
}

function exhausted(error: Attempt, how: string): PrestageError {
  return new PrestageError('SOURCE_UNREACHABLE', `${error.message.replace(/\.$/, '')}, ${how}.`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    context: error.context,
    cause: error.cause,
    retryable: true,
  });
}
