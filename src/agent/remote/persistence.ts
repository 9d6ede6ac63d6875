import { PrestageError } from '../../core/errors.js';
import { pause } from '../../core/pause.js';

export interface Persistence {
  /** Between two times that something is tried which in itself has some patience. */
  pauseMs: number;
  /** Who may do what takes minutes to be known everywhere in AWS; for longer than that, a refusal is one. */
  refusalMs: number;
}

const PERSISTENCE: Persistence = { pauseMs: 2000, refusalMs: 5 * 60_000 };

/**
 * Repeats work until it succeeds, or the signal is aborted: a server that is away may come back.
 * @throws what it was refused with all the time that a refusal may pass; the signal's reason
 */
export async function persistently<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  { pauseMs, refusalMs } = PERSISTENCE,
): Promise<T> {
  let refusedAt: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const isRefused = !(error instanceof PrestageError && error.retryable);
      refusedAt = isRefused ? (refusedAt ?? performance.now()) : undefined;
      if (refusedAt !== undefined && performance.now() - refusedAt > refusalMs) throw error;
    }
    await pause(pauseMs, signal);
  }
}
