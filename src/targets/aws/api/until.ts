import { PrestageError } from '../../../core/errors.js';
import { pause } from '../../../core/pause.js';

/** Asks every few seconds until it is so. @throws AWS_FAILED after `limitMs`; the signal's reason */
export async function until(
  isSo: () => Promise<boolean>,
  {
    what,
    signal,
    pollMs = 3000,
    limitMs = 15 * 60_000,
  }: { what: string; signal: AbortSignal; pollMs?: number; limitMs?: number },
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > end)
      throw new PrestageError(
        'AWS_FAILED',
        `Timed out after ${Math.round(limitMs / 60_000)} minutes waiting for ${what}.`,
        {
          hint: 'Look at it in the AWS console. Then run the same command again: it continues from here.',
        },
      );
    await pause(pollMs, signal);
  }
}
