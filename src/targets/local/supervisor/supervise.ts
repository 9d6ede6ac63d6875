import { readFileSync } from 'node:fs';
import { endStrays } from '../hosts/stop.js';
import { MARK } from '../processes/marked.js';
import { copyFiles } from './copy-files.js';
import { obtainFiles, Stopped } from './files.js';
import { followLogs } from './follow-logs.js';
import { type Host, isGone, openHost, rootOf } from './host.js';
import { keepRunning } from './keep-running.js';
import { makeStoreReadOnly } from './read-only-store.js';
import { runScript } from './run-script.js';

/** A host's life: its files, `boot` once, `run` until SIGTERM. Everything that happens is in state.json and host.log. */
export async function supervise(folder: string, { privateMounts }: { privateMounts: boolean }): Promise<void> {
  process.chdir(folder);
  const host = openHost();
  const { spec, files, log, records, reporter, signal } = host;
  try {
    if (host.adopted) protectFiles(host, privateMounts);
    else {
      await obtainFiles(host);
      protectFiles(host, privateMounts);
      await boot(host);
    }
    const logs = followLogs(host);
    await keepRunning(host).finally(() => logs.stop());
    reporter.report({ phase: signal.aborted ? 'stopped' : 'done' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.say(reason);
    reporter.report(error instanceof Stopped ? { phase: 'stopped' } : { phase: 'failed', reason });
  }
  log.drain();
  // Nobody knows of this host any more, so nobody else would end what left its group.
  if (isGone(files.spec)) await endStrays(spec.environment[MARK] ?? '', { exact: true });
  await records.settled(signal);
}

/** Not before the files are there: a jump host's agent writes them. */
function protectFiles({ spec, log, reporter, adopted }: Host, privateMounts: boolean): void {
  const readOnly = privateMounts && makeStoreReadOnly(rootOf(spec), log);
  // A program that is taken over has the mounts that it was started with.
  reporter.report({ readOnly: readOnly && (adopted === undefined || reporter.state.readOnly === true) });
}

/**
 * Copies its files and runs `boot` to its end, unless that has succeeded for this very host.json: a restarted supervisor is not a new
 * host.
 */
async function boot(host: Host): Promise<void> {
  const { spec, files, identity, log, records, reporter, signal } = host;
  if ((spec.boot === undefined && spec.files === undefined) || signal.aborted) return;
  if (readText(files.booted).trim() === identity)
    return log.say(`${spec.boot ?? 'what its files need'} has succeeded before; not run again`);
  if (spec.files !== undefined) copyFiles(host, spec.files);
  if (spec.boot === undefined) return records.keep(files.booted, identity);
  log.say(`boot: ${spec.boot}`);
  reporter.report({ phase: 'booting' });
  const started = performance.now();
  const ending = await runScript(host, spec.boot, { alone: false });
  if (signal.aborted) return;
  if (!ending.started) throw new Error(`its boot script ${spec.boot} could not be started: ${ending.words}`);
  if (!ending.ok) throw new Error(`its boot script ${spec.boot} failed: ${ending.words}`);
  records.keep(files.booted, identity);
  log.say(`boot succeeded`);
  reporter.report({ bootMs: Math.round(performance.now() - started) });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
