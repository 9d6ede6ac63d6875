import type { CommandContext } from '../../../core/command-context.js';
import { asSentence, PrestageError, withoutCredentials } from '../../../core/errors.js';
import type { Emit } from '../../../core/events.js';
import { isRunning } from '../../../core/process-identity.js';
import { isFull } from '../full-disk.js';
import { hostFiles } from '../layout.js';
import { endings } from './endings.js';
import { pauseBeforeLook } from './health.js';
import type { LaunchedHost } from './launch.js';
import { lastLines } from './log-tail.js';
import { conditionOf, GONE } from './observe.js';
import type { HostSpec } from './spec.js';
import { type HostState, readState } from './state.js';

/** A program that ended this often before it was ever healthy will not get there. */
const MAX_ENDINGS = 5;
const LOG_LINES = 20;
/** A boot script may take as long as it needs, so that a person must see that it is what is waited for. */
const REMINDER_MS = 30_000;

/** What a look at a starting host comes to: a verdict, or why it is not healthy yet. */
type Look = { verdict: 'healthy' } | { verdict: 'failed'; reason: string } | { verdict: 'not-yet'; detail: string };

/**
 * Waits until a host is healthy, and tells what happens to it meanwhile.
 * @throws HOST_FAILED as soon as that is certain, with the host's last lines; the signal's reason
 */
export async function untilHealthy(
  host: LaunchedHost,
  { emit, signal, patient = false }: CommandContext & { patient?: boolean },
): Promise<void> {
  const { spec, folder } = host;
  const started = performance.now();
  const announce = announcer(spec, emit);
  const limit = healthLimit(spec, { patient });
  const remind = reminder(host, emit);
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    const state = await readState(folder);
    if (state) announce(state);
    const look = limit(await lookAt(host, state), state);
    if (look.verdict === 'failed') throw await hostFailed(host, look.reason, emit);
    if (look.verdict === 'healthy') break;
    await remind(look.detail);
    await pauseBeforeLook(signal, attempt);
  }
  emit({ type: 'host.healthy', ...placeOf(spec), durationMs: Math.round(performance.now() - started) });
}

/** How events name a host and where it is. */
export function placeOf({ host, service, index, address, port }: HostSpec) {
  return { host, service, index, address, ...(port === undefined ? {} : { port }) };
}

async function lookAt({ spec, folder, supervisor }: LaunchedHost, state: HostState | undefined): Promise<Look> {
  if (!state) {
    if (supervisor && isRunning(supervisor)) return { verdict: 'not-yet', detail: 'its supervisor starts' };
    return { verdict: 'failed', reason: 'its supervisor could not be started' };
  }
  const { condition, detail } = await conditionOf(spec, folder, state);
  if (condition === 'healthy') return { verdict: 'healthy' };
  if (condition === 'failed' || condition === 'stopped') return { verdict: 'failed', reason: detail };
  if (state.restarts < MAX_ENDINGS) return { verdict: 'not-yet', detail };
  return { verdict: 'failed', reason: `its program ${spec.run} ${endings(state)}` };
}

/**
 * The check's time runs from the first moment at which the host could have answered; with `patient`, for a host that was
 * healthy before, the time for which its port is not free does not count.
 */
function healthLimit(
  { health }: HostSpec,
  { patient }: { patient: boolean },
): (look: Look, state: HostState | undefined) => Look {
  let since: number | undefined;
  return (look, state) => {
    const waits = state?.phase === 'waiting-for-port';
    if (waits && patient) since = undefined;
    const counts = state?.phase === 'running' || state?.phase === 'done' || (waits && !patient);
    if (look.verdict !== 'not-yet' || !health || !counts) return look;
    since ??= performance.now();
    if (performance.now() - since < health.timeoutMs) return look;
    return {
      verdict: 'failed',
      reason: `it did not become healthy within ${health.timeoutMs / 1000} s (${look.detail})`,
    };
  };
}

function reminder({ spec, folder }: LaunchedHost, emit: Emit): (detail: string) => Promise<void> {
  const started = performance.now();
  let next = started + REMINDER_MS;
  return async (detail) => {
    const now = performance.now();
    if (now < next) return;
    next += REMINDER_MS;
    const said = (await lastLines(hostFiles(folder).log, 1)).map(withoutCredentials);
    const lastWords = said.length > 0 ? `; its log says last: ${said[0]}` : '';
    const seconds = Math.round((now - started) / 1000);
    emit({ type: 'notice', message: `${spec.host} is not healthy after ${seconds} s (${detail})${lastWords}` });
  };
}

function announcer({ host, service, index, release }: HostSpec, emit: Emit): (state: HostState) => void {
  let files: HostState['files'];
  let booted = false;
  return (state) => {
    if (state.files !== undefined && state.files !== files) {
      files = state.files;
      emit({ type: 'host.files', host, service, index, state: files, release });
    }
    if (state.bootMs !== undefined && !booted) {
      booted = true;
      emit({ type: 'host.booted', host, service, index, durationMs: state.bootMs });
    }
  };
}

/** How lines of the supervisor's own begin in a host's log. */
const OWN = '[prestage] ';

/** What a supervisor writes while it dies (it has no room for its state) hides what the script said. */
function withoutCrash(log: readonly string[]): string[] {
  const crash = log.findIndex((line) => /^node:[\w/]+:\d+$/.test(line));
  return log.slice(0, crash === -1 ? undefined : crash);
}

async function hostFailed({ spec, folder }: LaunchedHost, seen: string, emit: Emit): Promise<PrestageError> {
  const { host, service, index } = spec;
  const log = withoutCrash((await lastLines(hostFiles(folder).log, 2 * LOG_LINES)).map(withoutCredentials)).slice(
    -LOG_LINES,
  );
  // Where the supervisor could not record why (on a full disk), it may have said it.
  const own = log.findLast((line) => line.startsWith(OWN) && line.includes('failed'));
  const reason = seen === GONE && own !== undefined ? own.slice(OWN.length) : seen;
  emit({ type: 'host.failed', host, service, index, reason, log });
  const lastWords = log.findLast((line) => !line.startsWith(OWN));
  const said = lastWords === undefined ? '' : ` It said last: ${lastWords}`;
  const full = (await isFull(spec.root)) ? ` The disk of ${spec.root} is full.` : '';
  const failure = asSentence(`Host ${host} did not become healthy: ${reason}`) + said;
  return new PrestageError('HOST_FAILED', full === '' ? failure : asSentence(failure) + full, {
    hint: `${full === '' ? '' : `Free space first: \`prestage destroy\` removes what hosts wrote, \`prestage prune\` old releases. `}\`prestage logs ${host}\` shows its whole output. Correct its script, configuration or files, and deploy again.`,
    context: { host, service, reason, log, ...(spec.port === undefined ? {} : { port: spec.port }) },
  });
}
