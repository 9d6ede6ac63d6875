import { setTimeout as sleep } from 'node:timers/promises';

/** Waits this many milliseconds. @throws the signal's reason, as soon as it is aborted */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** Waits this many milliseconds, or until the signal is aborted: for loops that look at the signal themselves. */
export async function pauseUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
