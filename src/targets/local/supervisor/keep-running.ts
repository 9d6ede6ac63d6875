import { setTimeout as sleep } from 'node:timers/promises';
import { endStrays } from '../hosts/stop.js';
import { MARK, RUN_MARK } from '../processes/marked.js';
import type { Host } from './host.js';
import { runScript } from './run-script.js';

/** Pauses between restarts of `run`: doubling, and from the start again after it ran this long. */
const BACKOFF = { firstMs: 250, longestMs: 30_000, steadyMs: 60_000 };

/** Runs `run` again and again, with growing pauses where it ends soon. */
export async function keepRunning(host: Host): Promise<void> {
  const { spec, log, reporter, signal } = host;
  if (spec.run === undefined) return;
  log.say(`run: ${spec.run}`);
  let pauseMs = BACKOFF.firstMs;
  while (!signal.aborted) {
    const started = performance.now();
    const { words } = await runScript(host, spec.run, { alone: true, phase: 'running' });
    if (signal.aborted) return;
    if (performance.now() - started > BACKOFF.steadyMs) pauseMs = BACKOFF.firstMs;
    log.say(`${spec.run} ended (${words}); started again in ${pauseMs / 1000} s`);
    reporter.report({
      restarts: reporter.state.restarts + 1,
      lastExit: words,
      child: undefined,
      runStartedAt: undefined,
    });
    await endLeftovers(host);
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(pauseMs * 2, BACKOFF.longestMs);
  }
}

/** What left the group of `run` is ended too: it would hold the port, and each restart would leave more of it. */
async function endLeftovers({ spec, log }: Host): Promise<void> {
  try {
    await endStrays(spec.environment[MARK] ?? '', { exact: true, variable: RUN_MARK });
  } catch (error) {
    log.say(error instanceof Error ? error.message : String(error));
  }
}
