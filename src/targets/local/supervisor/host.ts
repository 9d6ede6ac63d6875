import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../../core/digest.js';
import { isPlace, placeOf } from '../../../core/place.js';
import type { HostSpec } from '../hosts/spec.js';
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
  /** Aborted by SIGTERM, and when the folder is gone. */
  signal: AbortSignal;
}

/** Opens the host in the working folder. */
export function openHost(): Host {
  const files = hostFiles('.');
  const text = readFileSync(files.spec, 'utf8');
  const records = openRecords();
  return {
    spec: JSON.parse(text) as HostSpec,
    files,
    identity: sha256(text),
    log: openHostLog(files.log),
    records,
    reporter: startReporting(files.state, records),
    signal: stopSignal(files.spec),
  };
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
