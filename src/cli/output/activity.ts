import type { PrestageEvent } from '../../core/events.js';

/** A package that is being prepared now. */
export interface PackageActivity {
  id: string;
  bytes: number;
  bytesTotal: number | undefined;
  files: number;
  filesTotal: number | undefined;
  /** What it is at, where that is not reading its source. */
  note: string | undefined;
  /** The last few seconds' progress, oldest first: the rate is that of this window, not of the whole. */
  samples: { atMs: number; bytes: number }[];
}

/** A host or the database, on its way up. */
export interface HostActivity {
  host: string;
  state: string;
  /** Whether a boot script runs once its files are there. */
  boots?: boolean;
  sinceMs: number;
}

/** What is going on, for a display that is drawn again and again. Events go in; what has ended is forgotten. */
export interface Activity {
  packages: Map<string, PackageActivity>;
  hosts: Map<string, HostActivity>;
}

const WINDOW_MS = 5000;

export function newActivity(): Activity {
  return { packages: new Map(), hosts: new Map() };
}

export function applyToActivity(activity: Activity, event: PrestageEvent, nowMs: number): void {
  const { packages, hosts } = activity;
  switch (event.type) {
    case 'package.started':
      packages.set(event.package, newPackage(event.package, event, nowMs));
      break;
    case 'package.progress': {
      // Whoever attaches to a worker at work has not seen the start.
      const known = packages.get(event.package) ?? newPackage(event.package, event, nowMs);
      packages.set(event.package, progressed(known, event, nowMs));
      break;
    }
    case 'fetch.started':
      packages.set(fetchOf(event), newPackage(fetchOf(event), event, nowMs));
      break;
    case 'fetch.progress': {
      const known = packages.get(fetchOf(event)) ?? newPackage(fetchOf(event), event, nowMs);
      packages.set(fetchOf(event), progressed(known, { ...event, files: 0 }, nowMs));
      break;
    }
    case 'fetch.finished':
      packages.delete(fetchOf(event));
      break;
    case 'upload.started':
      packages.set(uploadOf(event), newPackage(uploadOf(event), { ...event, bytes: 0 }, nowMs));
      break;
    case 'upload.progress': {
      const known = packages.get(uploadOf(event)) ?? newPackage(uploadOf(event), event, nowMs);
      packages.set(uploadOf(event), progressed(known, { ...event, files: 0 }, nowMs));
      break;
    }
    case 'upload.finished':
      packages.delete(uploadOf(event));
      break;
    case 'package.step':
      note(activity, event.package, `step ${event.step} ${event.kind}`);
      break;
    case 'package.retry':
      note(activity, event.package, 'retrying');
      break;
    case 'package.published':
      packages.delete(event.package);
      break;
    case 'host.starting':
      hosts.set(event.host, {
        host: event.host,
        state: event.replaces ? 'replacing' : 'starting',
        boots: event.boots === true,
        sinceMs: nowMs,
      });
      break;
    case 'host.files':
      hostState(activity, event.host, event.state === 'ready' ? afterFiles(hosts.get(event.host)) : event.state);
      break;
    case 'host.booted':
      hostState(activity, event.host, 'checking');
      break;
    case 'host.reverting':
      hosts.set(event.host, { host: event.host, state: 'going back', sinceMs: nowMs });
      break;
    case 'host.healthy':
    case 'host.unchanged':
    case 'host.failed':
    case 'host.stopped':
      hosts.delete(event.host);
      break;
    case 'database.starting':
      hosts.set('database', { host: 'database', state: 'starting', sinceMs: nowMs });
      break;
    case 'database.ready':
    case 'database.stopped':
      hosts.delete('database');
      break;
    case 'worker.finished':
    case 'worker.failed':
      packages.clear();
      break;
  }
}

/** Bytes per second over the window, or undefined while that would be a guess. */
export function rateOf({ samples }: PackageActivity): number | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last || last.atMs - first.atMs < 500) return undefined;
  return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
}

/** So are fetches. */
function fetchOf({ package: id }: { package: string }): string {
  return `fetch ${id}`;
}

/** Uploads are shown among packages. */
function uploadOf({ source }: { source: string }): string {
  return `upload ${source}`;
}

interface Amounts {
  bytes?: number;
  bytesTotal?: number;
  files?: number;
  filesTotal?: number;
}

function newPackage(
  id: string,
  { bytes = 0, bytesTotal, files = 0, filesTotal }: Amounts,
  nowMs: number,
): PackageActivity {
  return { id, bytes, bytesTotal, files, filesTotal, note: undefined, samples: [{ atMs: nowMs, bytes }] };
}

function progressed(
  known: PackageActivity,
  { bytes = 0, bytesTotal, files = 0, filesTotal }: Amounts,
  nowMs: number,
): PackageActivity {
  const samples = [...known.samples, { atMs: nowMs, bytes }].filter((sample) => nowMs - sample.atMs <= WINDOW_MS);
  return {
    ...known,
    bytes,
    files,
    bytesTotal: bytesTotal ?? known.bytesTotal,
    filesTotal: filesTotal ?? known.filesTotal,
    note: undefined,
    samples,
  };
}

function note({ packages }: Activity, id: string, text: string): void {
  const known = packages.get(id);
  if (known) packages.set(id, { ...known, note: text });
}

function afterFiles(host: HostActivity | undefined): string {
  return host?.boots ? 'booting' : 'starting';
}

function hostState({ hosts }: Activity, host: string, state: string): void {
  const known = hosts.get(host);
  if (known) hosts.set(host, { ...known, state });
}
