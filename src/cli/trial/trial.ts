import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../config/index.js';
import { asPrestageError, PrestageError, type SerializedError } from '../../core/errors.js';
import { rm } from '../../core/held-files.js';
import type { Outcome } from '../output/reporter.js';
import { formatCount, formatDuration } from '../output/units.js';
import type { Session } from '../session.js';
import { type Check, checksOf, Skip, type TrialMode } from './checks.js';
import { Site } from './site.js';

/** How a check came out. */
interface CheckResult {
  name: string;
  ok: boolean;
  skipped: boolean;
  durationMs: number;
  detail?: string;
  error?: SerializedError;
}

/**
 * `prestage test`: the user's configuration, for real, in throw-away roots on this machine. Whatever happens, what was
 * started is stopped and what was written is removed.
 */
export async function trial(mode: TrialMode, session: Session): Promise<Outcome> {
  const started = performance.now();
  // A wrong configuration is no failed check.
  await loadConfig(session.flags.config ?? process.cwd());
  const folder = await mkdtemp(join(tmpdir(), 'prestage-test-'));
  const site = new Site(folder, session);
  try {
    const checks = await runChecks(checksOf(mode), site, session);
    const failed = checks.filter((check) => !check.ok);
    const took = formatDuration(performance.now() - started);
    return {
      result: { mode, checks, durationMs: Math.round(performance.now() - started) },
      summary: failed.length === 0 ? [`${summaryOf(checks)} in ${took}.`] : [],
      ...(failed[0] ? { error: checkFailed(failed[0], failed.length, checks.length) } : {}),
    };
  } finally {
    await site.removeAll();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runChecks(checks: readonly Check[], site: Site, session: Session): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  let stoppedBy: string | undefined;
  for (const check of checks) {
    const result =
      stoppedBy === undefined || check.always
        ? await runCheck(check, site, session)
        : skipped(check.name, `needs: ${stoppedBy}`);
    results.push(result);
    const { error: _, ...event } = result;
    session.emit({ type: 'check', ...event });
    if (!result.ok && check.essential) stoppedBy ??= check.name;
  }
  return results;
}

async function runCheck({ name, run }: Check, site: Site, { signal }: Session): Promise<CheckResult> {
  const started = performance.now();
  const since = () => Math.round(performance.now() - started);
  try {
    const detail = await run(site);
    return { name, ok: true, skipped: false, durationMs: since(), ...(detail === undefined ? {} : { detail }) };
  } catch (error) {
    if (error instanceof Skip) return skipped(name, error.message);
    // Not the check failed, but the user had enough.
    signal.throwIfAborted();
    const failure = asPrestageError(error);
    return {
      name,
      ok: false,
      skipped: false,
      durationMs: since(),
      detail: failure.message,
      error: failure.serialize(),
    };
  }
}

function skipped(name: string, detail: string): CheckResult {
  return { name, ok: true, skipped: true, durationMs: 0, detail };
}

function summaryOf(checks: readonly CheckResult[]): string {
  const tried = checks.filter((check) => !check.skipped).length;
  const rest = checks.length - tried;
  return `${formatCount(tried, 'check')} passed${rest === 0 ? '' : `, ${rest} skipped`}`;
}

function checkFailed({ name, error }: CheckResult, failed: number, all: number): PrestageError {
  const why = error ? `: ${error.code === 'CHECK_FAILED' ? '' : `${error.code}: `}${error.message}` : '.';
  return new PrestageError('CHECK_FAILED', `${failed} of ${all} checks failed. First, "${name}"${why}`, {
    ...(error?.hint === undefined ? {} : { hint: error.hint }),
    ...(error ? { context: error.context } : {}),
  });
}
