import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, PrestageError } from './errors.js';
import { whileHeld } from './held-files.js';

/** How long to wait before each further attempt: half a second in all. */
const PAUSES_MS = [20, 80, 400];

/**
 * Repeats a read that failed in a way that passes by itself, a few times. Safe for reads only: of a call that changes
 * something nobody knows whether it was carried out.
 */
export async function rereading<T>(read: () => Promise<T>): Promise<T> {
  return repeating(
    () => whileHeld(read),
    () => {},
  );
}

/** As `rereading`, for work that begins again each time, and changes nothing that anybody sees before it succeeds. */
export async function repeating<T>(
  work: () => Promise<T>,
  onRepeat: (error: unknown, pauseMs: number, attempt: number) => void,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const pauseMs = PAUSES_MS[attempt];
      if (pauseMs === undefined || !passes(error)) throw error;
      onRepeat(error, pauseMs, attempt + 1);
      await sleep(pauseMs);
    }
  }
}

/**
 * ESTALE: an NFS server's answer for a file that another client has replaced or removed while its handle was in use; the
 * same path leads to what is there now. EMFILE and ENFILE: too many files are open, and other work closes its own.
 */
function passes(error: unknown): boolean {
  const errno = error instanceof PrestageError ? error.context.errno : errnoOf(error);
  return errno === 'ESTALE' || errno === 'EMFILE' || errno === 'ENFILE';
}
