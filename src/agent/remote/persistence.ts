import { setTimeout as sleep } from 'node:timers/promises';
import { PrestageError } from '../../core/errors.js';

/** Between two times that something is tried which in itself has some patience. */
const PAUSE_MS = 2000;
/** Who may do what takes minutes to be known everywhere in AWS; for longer than that, a refusal is one. */
const REFUSAL_MS = 5 * 60_000;

/** Repeats work until it succeeds, or the signal is aborted. @throws what it is refused with for five minutes; the signal's reason */
export async function persistently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let refusedAt: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const isRefused = !(error instanceof PrestageError && error.retryable);
      refusedAt = isRefused ? (refusedAt ?? performance.now()) : undefined;
      if (refusedAt !== undefined && performance.now() - refusedAt > REFUSAL_MS) throw error;
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
