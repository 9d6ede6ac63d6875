import type { CommandContext } from '../../core/command-context.js';
import { rmdir } from '../../core/held-files.js';
import { acquireLease, newRunId, storePaths } from '../../store/index.js';
import { underLock } from '../under-lock.js';
import type { LocalLayout } from './layout.js';

/**
 * Runs `work` while holding the root's lock for commands. It is not the store's own lock, which a worker holds while it
 * prepares: a command that dies leaves its worker at work, and the next command attaches to that.
 * @param options.leaseMs for tests: how long the holder may be silent
 * @throws LOCKED, LEASE_LOST, and whatever `work` throws
 */
export async function exclusively<T>(
  layout: LocalLayout,
  command: string,
  context: CommandContext,
  work: (context: CommandContext) => Promise<T>,
  options: { leaseMs?: number } = {},
): Promise<T> {
  const { wait, signal, emit } = context;
  const lease = await acquireLease(
    layout.deployLock,
    { run: newRunId(), purpose: command },
    {
      ...options,
      wait,
      signal,
      // A machine that died while it deployed held both.
      beside: [storePaths(layout.root).lock],
      onWait: (holder) =>
        emit({
          type: 'notice',
          message: `Waiting for ${holder ? `${holder.purpose} (process ${holder.pid})` : 'another command'} to end.`,
        }),
    },
  );
  try {
    return await underLock(lease, context, work);
  } finally {
    // Nothing may be left of a root that `destroy` has emptied, and the lock was the last thing in it.
    if (command === 'destroy') await rmdir(layout.root).catch(() => {});
  }
}
