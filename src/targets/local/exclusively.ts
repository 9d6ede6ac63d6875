import { PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { rmdir } from '../../core/held-files.js';
import { acquireLease, newRunId } from '../../store/index.js';
import type { LocalLayout } from './layout.js';

/**
 * Runs `work` while holding the root's lock for commands. It is not the store's own lock, which a worker holds while it
 * prepares: a command that dies leaves its worker at work, and the next command attaches to that.
 * @throws LOCKED, LEASE_LOST, and whatever `work` throws
 */
export async function exclusively<T>(
  layout: LocalLayout,
  command: string,
  { wait, signal, emit }: { wait: boolean; signal: AbortSignal; emit: Emit },
  work: () => Promise<T>,
): Promise<T> {
  const lease = await acquireLease(
    layout.deployLock,
    { run: newRunId(), purpose: command },
    {
      wait,
      signal,
      onWait: (holder) =>
        emit({
          type: 'notice',
          message: `Waiting for ${holder ? `${holder.purpose} (process ${holder.pid})` : 'another command'} to end.`,
        }),
    },
  );
  try {
    return await Promise.race([work(), whenLost(lease.lost)]);
  } finally {
    await lease.release();
    // Nothing may be left of a root that `destroy` has emptied, and the lock was the last thing in it.
    if (command === 'destroy') await rmdir(layout.root).catch(() => {});
  }
}

function whenLost(lost: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () =>
      reject(lost.reason instanceof Error ? lost.reason : new PrestageError('LEASE_LOST', 'The lock was lost.'));
    if (lost.aborted) fail();
    else lost.addEventListener('abort', fail, { once: true });
  });
}
