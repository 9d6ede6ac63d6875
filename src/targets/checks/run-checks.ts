import { asPrestageError } from '../../core/errors.js';
import { type Finding, failed, skipped, type Verdict } from './finding.js';

/** Something that is looked at, and that changes nothing. */
export interface Check {
  name: string;
  /** The name of a check before it in the list, without whose success this one could only say the same again. */
  needs?: string;
  /** What it throws is a failure, with the error's hint as the remedy. The signal ends it when its time is up. */
  run(signal: AbortSignal): Promise<Verdict>;
}

const LIMIT_MS = 30_000;

/**
 * Runs checks side by side, each for at most `limitMs`; whatever one of them does, all others say what they find. In the order
 * of the list. @throws the signal's reason
 */
export async function runChecks(
  checks: readonly Check[],
  { signal, limitMs = LIMIT_MS }: { signal: AbortSignal; limitMs?: number },
): Promise<Finding[]> {
  const verdicts = new Map<string, Promise<Verdict>>();
  for (const check of checks) verdicts.set(check.name, afterNeeded(check, verdicts, { signal, limitMs }));
  return Promise.all(
    [...verdicts].map(async ([check, verdict]) => {
      return { check, ...(await verdict) };
    }),
  );
}

async function afterNeeded(
  check: Check,
  earlier: ReadonlyMap<string, Promise<Verdict>>,
  limits: { signal: AbortSignal; limitMs: number },
): Promise<Verdict> {
  const needed = check.needs === undefined ? undefined : await earlier.get(check.needs);
  if (needed?.state === 'failed' || needed?.state === 'skipped') return skipped(`It needs: ${check.needs}.`);
  return verdictOf(check, limits);
}

async function verdictOf(
  check: Check,
  { signal, limitMs }: { signal: AbortSignal; limitMs: number },
): Promise<Verdict> {
  const limit = AbortSignal.timeout(limitMs);
  const either = AbortSignal.any([signal, limit]);
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(either.reason);
    either.addEventListener('abort', stop, { once: true });
    if (either.aborted) stop();
  });
  try {
    return await Promise.race([check.run(either), stopped]);
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted)
      return failed(
        `There was no answer within ${Math.round(limitMs / 1000)} seconds.`,
        'Check the network: names, a proxy, a firewall on the way.',
      );
    const { message, hint } = asPrestageError(error);
    return failed(message, hint ?? 'Fix that, and run `prestage doctor` again.');
  } finally {
    either.removeEventListener('abort', stop);
  }
}
