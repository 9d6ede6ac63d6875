import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { errnoOf } from '../core/errors.js';

/** A process on this machine: a pid alone may be another program's by now. */
export const processIdentity = z.object({
  pid: z.int(),
  /** Boot and clock tick at which it started, where the system tells (Linux). */
  started: z.string().optional(),
});

export type ProcessIdentity = z.infer<typeof processIdentity>;

export async function identityOf(pid: number): Promise<ProcessIdentity> {
  const started = (await linuxProcess(pid))?.started;
  return started === undefined ? { pid } : { pid, started };
}

/** Whether the process is still running. One that ended and waits to be collected by its parent is not. */
export async function isRunning({ pid, started }: ProcessIdentity): Promise<boolean> {
  if (!signalable(pid)) return false;
  if (started === undefined) return true;
  const now = await linuxProcess(pid);
  return now !== undefined && now.started === started && now.state !== 'Z' && now.state !== 'X';
}

function signalable(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM'; // it exists, and is another user's
  }
}

async function linuxProcess(pid: number): Promise<{ state: string; started: string } | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // proc_pid_stat(5): the second field, the name in brackets, may hold spaces and brackets; then 3 is the state, 22 the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    return state === undefined || ticks === undefined ? undefined : { state, started: `${boot.trim()}/${ticks}` };
  } catch {
    return undefined;
  }
}
