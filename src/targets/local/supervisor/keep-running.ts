import { statSync } from 'node:fs';
import { pauseUnlessAborted } from '../../../core/pause.js';
import { isRunning, type ProcessIdentity } from '../../../core/process-identity.js';
import { lastLines } from '../hosts/log-tail.js';
import { isLingering } from '../hosts/port-holder.js';
import { endStrays } from '../hosts/stop.js';
import { untilEnded } from '../processes/ended.js';
import { endGroup } from '../processes/group.js';
import { MARK, RUN_MARK } from '../processes/marked.js';
import type { Host } from './host.js';
import { runScript, stopOf } from './run-script.js';
import type { Ending } from './script.js';

/** Pauses between restarts of `run`: doubling, and from the start again after it ran this long. */
const BACKOFF = { firstMs: 250, longestMs: 30_000, steadyMs: 60_000 };
/** Linux keeps a closed connection for 60 s, and one that the other side did not close for as long again. */
const PORT_LIMIT_MS = 150_000;
const POLL_MS = 200;

/**
 * Runs `run` again and again, with growing pauses where it ends soon; first, the one that a killed supervisor left. Returns when it
 * is to be stopped, or ended well and is not to be started again.
 * @throws Error where it failed and is not to be started again
 */
export async function keepRunning(host: Host): Promise<void> {
  const { spec, files, log, signal } = host;
  if (spec.run === undefined) return;
  let adopted = host.adopted;
  let pauseMs = BACKOFF.firstMs;
  if (!adopted) log.say(`run: ${spec.run}`);
  while (!signal.aborted) {
    const started = performance.now();
    const logged = sizeOf(files.log);
    const ending = adopted
      ? await untilAdoptedEnds(host, adopted)
      : await runScript(host, spec.run, { alone: true, phase: 'running' });
    adopted = undefined;
    if (signal.aborted) return;
    await endLeftovers(host);
    if (isOver(host, ending)) return;
    if (performance.now() - started > BACKOFF.steadyMs) pauseMs = BACKOFF.firstMs;
    const waits = await missesItsPort(host, logged);
    tell(host, ending, waits ? 'when its port is free' : `in ${pauseMs / 1000} s`);
    if (waits) await untilPortIsFree(host);
    else await pauseUnlessAborted(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, BACKOFF.longestMs);
  }
}

/** Whether it is not to be started again. @throws Error where it failed */
function isOver({ spec, log, reporter }: Host, { started, ok, words }: Ending): boolean {
  if (spec.restart === undefined || (spec.restart === 'on-failure' && !ok)) return false;
  reporter.report({ lastExit: started ? words : undefined, child: undefined, runStartedAt: undefined });
  if (!ok)
    throw new Error(
      `${spec.run} ${started ? `ended (${words})` : `could not be started: ${words}`}, and is not started again`,
    );
  log.say(`${spec.run} ended (${words}), and is not started again`);
  return true;
}

function tell({ spec, log, reporter }: Host, { started, words }: Ending, when: string): void {
  log.say(
    started
      ? `${spec.run} ended (${words}); started again ${when}`
      : `${spec.run} could not be started: ${words}; tried again ${when}`,
  );
  reporter.report({
    restarts: reporter.state.restarts + 1,
    lastExit: started ? words : undefined,
    notStarted: started ? undefined : words,
    child: undefined,
    runStartedAt: undefined,
  });
}

/** It is not our child, so nobody tells us how it ended. */
async function untilAdoptedEnds({ spec, log, signal }: Host, program: ProcessIdentity): Promise<Ending> {
  log.say(`${spec.run} still runs as process ${program.pid}; its supervisor had been killed, this one takes over`);
  while (isRunning(program) && !signal.aborted) await pauseUnlessAborted(POLL_MS, signal);
  const { signal: stopSignal, timeoutMs } = stopOf(spec);
  await endGroup(program.pid, timeoutMs, stopSignal);
  await untilEnded([program], timeoutMs);
  log.drain();
  return { started: true, ok: false, words: 'an exit status that nobody saw' };
}

/** What left the group of `run` is ended too: it would hold the port, and each restart would leave more of it. */
async function endLeftovers({ spec, log }: Host): Promise<void> {
  try {
    await endStrays(spec.environment[MARK] ?? '', { exact: true, variable: RUN_MARK });
  } catch (error) {
    log.say(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Whether the program ended because connections of the one before it linger on its port: where a program does not set
 * SO_REUSEADDR, it cannot listen there for a minute. It has to say so itself, since one that is broken ends as well.
 */
async function missesItsPort({ spec, files }: Host, logged: number): Promise<boolean> {
  if (spec.port === undefined || !isLingering(spec.port)) return false;
  const said = await lastLines(files.log, 50, logged).catch(() => []);
  return said.some((line) => /address (is )?(already )?in use|EADDRINUSE/i.test(line));
}

async function untilPortIsFree({ spec, reporter, signal }: Host): Promise<void> {
  const { port } = spec;
  if (port === undefined) return;
  reporter.report({ phase: 'waiting-for-port' });
  const limit = performance.now() + PORT_LIMIT_MS;
  while (isLingering(port) && !signal.aborted && performance.now() < limit) await pauseUnlessAborted(POLL_MS, signal);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
