import { existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../../core/digest.js';
import { isPlace, placeOf } from '../../../core/place.js';
import { isRunning, type ProcessIdentity } from '../../../core/process-identity.js';
import type { HostSpec } from '../hosts/spec.js';
import type { HostState } from '../hosts/state.js';
import { hostFiles } from '../layout.js';
import { type HostLog, openHostLog } from './host-log.js';
import { openRecords, type Records } from './records.js';
import { type Reporter, startReporting } from './reporter.js';

/** What the parts of a supervisor share. Paths are relative to the host's folder, so that they hold when that is moved. */
export interface Host {
  spec: HostSpec;
  files: ReturnType<typeof hostFiles>;
  /** The digest of this host.json. */
  identity: string;
  log: HostLog;
  records: Records;
  reporter: Reporter;
  /** The program of a supervisor that was killed, where it still runs. */
  adopted: ProcessIdentity | undefined;
  /** Aborted by SIGTERM, and when the folder is gone. */
  signal: AbortSignal;
}

/** Opens the host in the working folder. */
export function openHost(): Host {
  const files = hostFiles('.');
  const text = readFileSync(files.spec, 'utf8');
  const spec = JSON.parse(text) as HostSpec;
  const records = openRecords();
  const before = stateBefore(files.state);
  const adopted = before?.child;
  return {
    spec,
    files,
    identity: sha256(text),
    adopted,
    log: openHostLog(files.log, { stays: spec.run !== undefined, adopted: adopted?.pid }),
    records,
    reporter: startReporting(files.state, records, before),
    signal: stopSignal(files.spec),
  };
}

/** There is a state only where the host is taken over: anyone who starts it again removes that before. */
function stateBefore(path: string): HostState | undefined {
  try {
    const state = JSON.parse(readFileSync(path, 'utf8')) as HostState;
    return state.phase === 'running' && isRunning(state.child) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** The store's root: where host.json says, or where it was moved to. */
export function rootOf({ root }: HostSpec): string {
  const actual = join('..', '..');
  try {
    return isPlace(placeOf(actual), root) ? root : realpathSync.native(actual);
  } catch {
    return root;
  }
}

/** Where somebody removed it: running goes before anything else. */
export function provideWorkingFolder({ files, log }: Host): void {
  if (existsSync(files.work)) return;
  log.say('the working folder was removed; a new, empty one is made');
  try {
    mkdirSync(files.work);
  } catch (error) {
    log.say(error instanceof Error ? error.message : String(error));
  }
}

const LOOK_MS = 1_000;

function stopSignal(spec: string): AbortSignal {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  process.on('SIGINT', () => stop.abort());
  process.on('SIGHUP', () => {});
  setInterval(() => isGone(spec) && stop.abort(), LOOK_MS).unref();
  return stop.signal;
}

/** Whether somebody removed the host's folder, or all that is in it. Any other trouble (a mount that hangs) may pass. */
export function isGone(spec: string): boolean {
  try {
    statSync(spec);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
