import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../../core/command-context.js';
import { rmdir } from '../../core/held-files.js';
import { acquireLease, newRunId, spaceAvailable, storePaths } from '../../store/index.js';
import { underLock } from '../under-lock.js';
import { freesSpace, isFull, keepReserve, spendReserve, tellOfSpace } from './full-disk.js';
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
  // On a full disk there is no room for a lock: it is made before.
  if (!freesSpace(command) || !(await isFull(layout.root))) return withLock(layout, command, context, work, options);
  await spendReserve(layout);
  const { bytes } = await spaceAvailable(layout.root);
  return withLock(
    layout,
    command,
    context,
    async (held) => {
      try {
        const outcome = await work(held);
        await tellOfSpace(layout, bytes, context.emit);
        return outcome;
      } finally {
        // The next command may need it as well.
        if (existsSync(storePaths(layout.root).trees)) await keepReserve(layout, { scarce: true });
      }
    },
    options,
  );
}

async function withLock<T>(
  layout: LocalLayout,
  command: string,
  context: CommandContext,
  work: (context: CommandContext) => Promise<T>,
  options: { leaseMs?: number },
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
    return await underLock(lease, context, async (held) => {
      if (command === 'deploy') await keepReserve(layout);
      return work(held);
    });
  } finally {
    if (command === 'destroy') await removeEmptyRoot(layout);
  }
}

/** Nothing may be left of a root that `destroy` has emptied: the lock was in it, and the reserve. */
async function removeEmptyRoot(layout: LocalLayout): Promise<void> {
  const left = await readdir(layout.root).catch(() => []);
  if (left.every((name) => join(layout.root, name) === layout.reserve)) await spendReserve(layout);
  await rmdir(layout.root).catch(() => {});
}
