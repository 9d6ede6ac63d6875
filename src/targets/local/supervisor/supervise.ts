import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../../../core/digest.js';
import { identify } from '../../../core/process-identity.js';
import type { HostSpec } from '../hosts/spec.js';
import { endStrays } from '../hosts/stop.js';
import { hostFiles } from '../layout.js';
import { inheritedEnvironment } from '../processes/environment.js';
import { MARK, RUN_MARK } from '../processes/marked.js';
import { obtainFiles, Stopped } from './files.js';
import { type HostLog, openHostLog } from './host-log.js';
import { type Reporter, startReporting } from './reporter.js';
import { type Ending, runProgram, scriptCommand } from './script.js';

/** Pauses between restarts of `run`: doubling, and from the start again after it ran this long. */
const BACKOFF = { firstMs: 250, longestMs: 30_000, steadyMs: 60_000 };

/** A host's life: its files, `boot` once, `run` until SIGTERM. Everything that happens is in state.json and host.log. */
export async function supervise(folder: string): Promise<void> {
  const files = hostFiles(folder);
  const text = readFileSync(files.spec, 'utf8');
  const host: Host = {
    spec: JSON.parse(text) as HostSpec,
    files,
    identity: sha256(text),
    log: openHostLog(files.log),
    reporter: startReporting(folder),
    signal: stopSignal(),
  };
  try {
    await obtainFiles(host.spec, host.reporter, host.log, host.signal);
    await boot(host);
    await keepRunning(host);
    host.reporter.report({ phase: host.signal.aborted ? 'stopped' : 'done' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    host.log.say(reason);
    host.reporter.report(error instanceof Stopped ? { phase: 'stopped' } : { phase: 'failed', reason });
  }
}

interface Host {
  spec: HostSpec;
  files: ReturnType<typeof hostFiles>;
  /** The digest of this host.json. */
  identity: string;
  log: HostLog;
  reporter: Reporter;
  /** Aborted by SIGTERM. */
  signal: AbortSignal;
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  process.on('SIGINT', () => stop.abort());
  process.on('SIGHUP', () => {});
  return stop.signal;
}

/** Runs `boot` to its end, unless it has succeeded for this very host.json: a restarted supervisor is not a new host. */
async function boot(host: Host): Promise<void> {
  const { spec, files, identity, log, reporter, signal } = host;
  if (spec.boot === undefined || signal.aborted) return;
  if (readText(files.booted) === identity) return log.say(`${spec.boot} has succeeded before; not run again`);
  mkdirSync(files.work, { recursive: true });
  log.say(`boot: ${spec.boot}`);
  reporter.report({ phase: 'booting' });
  const started = performance.now();
  const ending = await runScript(host, spec.boot, { alone: false });
  if (signal.aborted) return;
  if (!ending.ok) throw new Error(`its boot script ${spec.boot} failed: ${ending.words}`);
  writeFileSync(files.booted, identity);
  log.say(`boot succeeded`);
  reporter.report({ bootMs: Math.round(performance.now() - started) });
}

/** Runs `run` again and again, with growing pauses where it ends soon. */
async function keepRunning(host: Host): Promise<void> {
  const { spec, files, log, reporter, signal } = host;
  if (spec.run === undefined) return;
  mkdirSync(files.work, { recursive: true });
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

function runScript(
  { spec, files, log, reporter, signal }: Host,
  script: string,
  { alone, phase }: { alone: boolean; phase?: 'running' },
): Promise<Ending> {
  const mark = spec.environment[MARK] ?? '';
  const path = join(spec.root, 'releases', spec.release, '.prestage', 'scripts', script);
  return runProgram(
    {
      ...scriptCommand(path),
      folder: files.work,
      environment: {
        ...inheritedEnvironment(process.env, { network: false }),
        ...spec.environment,
        ...(phase === 'running' ? { [RUN_MARK]: mark } : {}),
      },
      output: log.descriptor,
    },
    {
      signal,
      alone,
      onStart: (pid) =>
        reporter.report({ child: identify(pid), ...(phase ? { phase, runStartedAt: new Date().toISOString() } : {}) }),
    },
  );
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
