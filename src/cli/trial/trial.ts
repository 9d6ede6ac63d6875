import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { loadConfig } from '../../config/index.js';
import { asPrestageError, PrestageError } from '../../core/errors.js';
import { formatCount, formatDuration } from '../../core/units.js';
import type { Outcome } from '../output/reporter.js';
import type { Session } from '../session.js';
import type { CheckResult } from './check-result.js';
import { type Check, checksOf, Skip, type TrialMode } from './checks.js';
import { junitReport } from './junit.js';
import { keepLogsOnly, openTrialFolder } from './kept-logs.js';
import { openSite, placeOf } from './open-site.js';
import type { Site } from './site.js';

export interface TrialOptions {
  mode: TrialMode;
  /** Where to write a report of JUnit. */
  junit?: string | undefined;
  /** In stacks on AWS, rather than on this machine. */
  createStacks: boolean;
}

/**
 * `prestage test`: the user's configuration, for real, in throw-away roots on this machine, or in a throw-away environment on AWS. Whatever
 * happens, what was started is stopped, and what was made is removed, but for the logs: they stay until the project's next trial.
 */
export async function trial({ mode, junit, createStacks }: TrialOptions, session: Session): Promise<Outcome> {
  const started = performance.now();
  const startedAt = new Date();
  // A wrong configuration is no failed check.
  const { config: file, env } = session.flags;
  const config = await loadConfig(file ?? process.cwd(), { environment: env, orFirst: !createStacks });
  const place = placeOf(config, env, { mode, createStacks });
  if (junit !== undefined) await demandWritable(junit);
  const folder = await openTrialFolder(config.folder);
  try {
    const checks = await openSite(place, { folder, session, config }).during((site) =>
      runChecks(checksOf(mode), site, session),
    );
    const durationMs = Math.round(performance.now() - started);
    if (junit !== undefined)
      await writeFile(junit, junitReport({ project: config.name, checks, durationMs, startedAt }));
    const failed = checks.filter((check) => !check.ok);
    const took = formatDuration(durationMs);
    return {
      result: { mode, checks, logs: folder, durationMs, ...(junit === undefined ? {} : { junit }) },
      summary: failed.length === 0 ? [`${summaryOf(checks)} in ${took}. Logs: ${folder}`] : [],
      ...(failed[0]
        ? { error: checkFailed(failed[0], { failed: failed.length, all: checks.length, logs: folder }) }
        : {}),
    };
  } finally {
    await keepLogsOnly(folder);
  }
}

/** Before minutes of checks whose report could then not be written. @throws as asPrestageError makes of what the system says */
async function demandWritable(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await (await open(file, 'a')).close();
  } catch (error) {
    throw asPrestageError(error, { path: file });
  }
}

async function runChecks(checks: readonly Check[], site: Site, session: Session): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  let stoppedBy: string | undefined;
  for (const check of checks) {
    const result =
      stoppedBy === undefined || check.always
        ? await runCheck(check, site)
        : skipped(check.name, `needs: ${stoppedBy}`);
    results.push(result);
    const { error: _, ...event } = result;
    session.emit({ type: 'check', ...event });
    if (!result.ok && check.essential) stoppedBy ??= check.name;
  }
  return results;
}

async function runCheck({ name, run }: Check, site: Site): Promise<CheckResult> {
  const started = performance.now();
  const since = () => Math.round(performance.now() - started);
  try {
    const detail = await run(site);
    return { name, ok: true, skipped: false, durationMs: since(), ...(detail === undefined ? {} : { detail }) };
  } catch (error) {
    if (error instanceof Skip) return skipped(name, error.message);
    // Not the check failed, but the user had enough, or somebody else took over.
    site.signal.throwIfAborted();
    const failure = inItsWords(asPrestageError(error), site);
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

/** What an error says of commands is of the project's own deployment, not of a trial's. */
function inItsWords(error: PrestageError, site: Site): PrestageError {
  const { message, hint } = error;
  return error.with({
    message: site.worded(message),
    ...(hint === undefined ? {} : { hint: site.worded(hint) }),
  });
}

function skipped(name: string, detail: string): CheckResult {
  return { name, ok: true, skipped: true, durationMs: 0, detail };
}

function summaryOf(checks: readonly CheckResult[]): string {
  const tried = checks.filter((check) => !check.skipped).length;
  const rest = checks.length - tried;
  return `${formatCount(tried, 'check')} passed${rest === 0 ? '' : `, ${rest} skipped`}`;
}

function checkFailed(
  { name, error }: CheckResult,
  { failed, all, logs }: { failed: number; all: number; logs: string },
): PrestageError {
  const why = error ? `: ${error.code === 'CHECK_FAILED' ? '' : `${error.code}: `}${error.message}` : '.';
  return new PrestageError('CHECK_FAILED', `${failed} of ${all} checks failed. First, "${name}"${why}`, {
    ...(error?.hint === undefined ? {} : { hint: error.hint }),
    context: { ...error?.context, logs },
  });
}
