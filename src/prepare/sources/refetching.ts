import { PrestageError } from '../../core/errors.js';
import type { RetryPolicy } from '../../remote/index.js';

/** Twice where a transfer was complete and wrong: the first may have been spoiled on the way, the second tells. */
export async function refetching<T>(work: () => Promise<T>, { signal, onRetry }: RetryPolicy): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PrestageError && error.code === 'SOURCE_MOVED')) throw error;
    onRetry({ attempt: 1, delayMs: 0, reason: error.message });
    return work();
  }
}
