import { setMaxListeners } from 'node:events';
import type { CommandContext } from '../core/command-context.js';

/** A lock that may be lost: somebody deletes it, or takes it over. */
export interface LosableLock {
  /** Aborted, with LEASE_LOST as the reason. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Does `work` under a lock, and releases the lock when the work has ended. A lost lock aborts the signal of the work. Work
 * that comes to an end all the same has failed: another command may have changed the same things.
 * @throws LEASE_LOST, and whatever `work` throws
 */
export async function underLock<T>(
  lock: LosableLock,
  context: CommandContext,
  work: (context: CommandContext) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.any([context.signal, lock.lost]);
  setMaxListeners(0, signal); // many parts of a command listen to it
  try {
    return await work({ ...context, signal });
  } finally {
    await lock.release();
    lock.lost.throwIfAborted();
  }
}
