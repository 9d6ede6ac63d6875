import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, type ProcessIdentity, signalProcess } from '../../../core/process-identity.js';

/** Resolves when none of the processes runs any more, or after `limitMs` with those that still do. */
export async function untilEnded(processes: readonly ProcessIdentity[], limitMs: number): Promise<ProcessIdentity[]> {
  const limit = performance.now() + limitMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    const left = processes.filter(isRunning);
    if (left.length === 0 || performance.now() > limit) return left;
    await sleep(pauseMs);
  }
}

/** Ends processes with SIGTERM, after `graceMs` with SIGKILL. Resolves with those that survived even that. */
export async function endProcesses(processes: readonly ProcessIdentity[], graceMs: number): Promise<ProcessIdentity[]> {
  for (const process of processes) signalProcess(process, 'SIGTERM');
  const stubborn = await untilEnded(processes, graceMs);
  for (const process of stubborn) signalProcess(process, 'SIGKILL');
  return untilEnded(stubborn, 5_000);
}
