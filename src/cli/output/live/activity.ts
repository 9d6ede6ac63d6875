import type { DigestEvent, FetchEvent, PrestageEvent, UploadEvent } from '../../../core/events.js';
import { formatDuration } from '../../../core/units.js';

/** How much of something is done, and of how much, where that is known. `bytes` are of the source, `files` are written. */
export interface Amounts {
  bytes: number;
  bytesTotal: number | undefined;
  files: number;
  filesTotal: number | undefined;
  /** Bytes at times of the last few seconds, oldest first: the rate is that of this window, not of the whole. */
  samples: readonly Sample[];
}

interface Sample {
  atMs: number;
  bytes: number;
}

/** A package that is being prepared now; likewise a source that is fetched or uploaded. */
export interface PackageActivity extends Amounts {
  id: string;
  /** What is done with it now, where its source is not being read. */
  note: string | undefined;
}

/** A host, the database, a stack or the worker's machine, on its way up. */
export interface HostActivity {
  host: string;
  state: string;
  /** Whether a boot script runs once its files are there. */
  boots?: boolean;
  sinceMs: number;
  detail?: string;
}

/** The packages of phase 1 together. */
export interface PackagesActivity {
  /** Those that wait for their turn, with the size of their source where it is known. */
  waiting: Map<string, number | undefined>;
  prepared: { packages: number; bytes: number; files: number };
  samples: readonly Sample[];
}

/** The hosts of phase 2 together. */
export interface HostsActivity {
  total: number;
  /** Names of those that are healthy. */
  healthy: Set<string>;
  sinceMs: number;
}

/** What goes on now, for a display that is drawn again and again. Events go in; work that has ended is forgotten. */
export interface Activity {
  packages: Map<string, PackageActivity>;
  hosts: Map<string, HostActivity>;
  phase: { number: 1 | 2; sinceMs: number } | undefined;
  allPackages: PackagesActivity;
  /** Undefined outside of phase 2. */
  allHosts: HostsActivity | undefined;
}

const WINDOW_MS = 5000;

export function newActivity(): Activity {
  return {
    packages: new Map(),
    hosts: new Map(),
    phase: undefined,
    allPackages: noPackages(),
    allHosts: undefined,
  };
}

export function applyToActivity(activity: Activity, event: PrestageEvent, nowMs: number): void {
  const { packages, hosts, allPackages, allHosts } = activity;
  switch (event.type) {
    case 'package.detected':
      if (event.action === 'prepare') allPackages.waiting.set(event.package, event.bytes);
      break;
    case 'phase.started':
      activity.phase = { number: event.phase, sinceMs: nowMs };
      if (event.hosts !== undefined) activity.allHosts = { total: event.hosts, healthy: new Set(), sinceMs: nowMs };
      break;
    case 'phase.finished':
      activity.phase = undefined;
      activity.allPackages = noPackages();
      activity.allHosts = undefined;
      hosts.clear();
      break;

    case 'package.started':
      allPackages.waiting.delete(event.package);
      packages.set(event.package, newPackage(event.package, event, nowMs));
      hosts.delete(WORKER);
      break;
    case 'package.progress': {
      const known = packages.get(event.package) ?? newPackage(event.package, event, nowMs);
      packages.set(event.package, progressed(known, event, nowMs));
      allPackages.samples = sampled(allPackages.samples, { atMs: nowMs, bytes: bytesOfAll(activity) });
      break;
    }
    case 'package.step':
      note(activity, event.package, `step ${event.step} ${event.kind}`);
      break;
    case 'package.retry':
      note(activity, event.package, 'retrying');
      break;
    case 'package.published': {
      const known = packages.get(event.package);
      const size = known?.bytesTotal ?? known?.bytes ?? allPackages.waiting.get(event.package) ?? 0;
      allPackages.waiting.delete(event.package);
      packages.delete(event.package);
      allPackages.prepared.packages += 1;
      allPackages.prepared.bytes += size;
      allPackages.prepared.files += event.files;
      allPackages.samples = sampled(allPackages.samples, { atMs: nowMs, bytes: bytesOfAll(activity) });
      break;
    }
    case 'worker.finished':
    case 'worker.failed':
      packages.clear();
      activity.allPackages = noPackages();
      break;

    case 'digest.started':
    case 'fetch.started':
    case 'upload.started':
      packages.set(transferOf(event), newPackage(transferOf(event), event, nowMs));
      break;
    case 'digest.progress':
    case 'fetch.progress':
    case 'upload.progress': {
      const known = packages.get(transferOf(event)) ?? newPackage(transferOf(event), event, nowMs);
      packages.set(transferOf(event), progressed(known, event, nowMs));
      break;
    }
    case 'digest.finished':
    case 'fetch.finished':
    case 'upload.finished':
      packages.delete(transferOf(event));
      break;

    case 'machine.launched':
      hosts.set(WORKER, { host: WORKER, state: 'launched', sinceMs: nowMs });
      break;
    case 'machine.stage':
      if (hosts.has(WORKER)) hosts.set(WORKER, { host: WORKER, state: event.stage, sinceMs: nowMs });
      break;
    case 'machine.ended':
      hosts.delete(WORKER);
      break;

    case 'stack.started':
      hosts.set(stackOf(event), { host: stackOf(event), state: STACK_STATES[event.action], sinceMs: nowMs });
      break;
    case 'stack.resource': {
      const known = hosts.get(stackOf(event));
      if (known) hosts.set(stackOf(event), { ...known, detail: `${event.resource} ${event.status}` });
      break;
    }
    case 'stack.finished':
      hosts.delete(stackOf(event));
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
      allHosts?.healthy.delete(event.host);
      hosts.set(event.host, { host: event.host, state: 'going back', sinceMs: nowMs });
      break;
    case 'host.healthy':
    case 'host.unchanged':
      allHosts?.healthy.add(event.host);
      hosts.delete(event.host);
      break;
    case 'host.failed':
    case 'host.stopped':
      allHosts?.healthy.delete(event.host);
      hosts.delete(event.host);
      break;
    case 'database.starting':
      hosts.set('database', { host: 'database', state: 'starting', sinceMs: nowMs });
      break;
    case 'database.ready':
    case 'database.stopped':
      hosts.delete('database');
      break;
  }
}

/** How many packages phase 1 prepares, and how much of their sources is read. Undefined before it begins with one. */
export function packagesTogether(activity: Activity): (Amounts & { prepared: number; total: number }) | undefined {
  const { waiting, prepared, samples } = activity.allPackages;
  const active = preparedNow(activity);
  if (active.length === 0 && prepared.packages === 0) return undefined;
  const sizes = [...active.map(({ bytesTotal }) => bytesTotal), ...waiting.values()];
  const isKnown = sizes.every((size) => size !== undefined);
  return {
    prepared: prepared.packages,
    total: prepared.packages + active.length + waiting.size,
    bytes: bytesOfAll(activity),
    bytesTotal: isKnown ? prepared.bytes + sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) : undefined,
    files: prepared.files + active.reduce((sum, { files }) => sum + files, 0),
    filesTotal: undefined,
    samples,
  };
}

/** Bytes per second over the window, or undefined while that would be a guess, or where an attempt began again. */
export function rateOf({ samples }: Pick<Amounts, 'samples'>): number | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last || last.atMs - first.atMs < 500 || last.bytes < first.bytes) return undefined;
  return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
}

/** `25 s left`; nothing while that would be a guess. */
export function timeLeft(amounts: Amounts): string {
  const { bytes, bytesTotal } = amounts;
  const rate = rateOf(amounts);
  if (bytesTotal === undefined || rate === undefined || rate <= 0 || bytes >= bytesTotal) return '';
  // A time left in milliseconds would only flicker.
  return `${formatDuration(Math.ceil((bytesTotal - bytes) / rate) * 1000).replace('.0 ', ' ')} left`;
}

const WORKER = 'worker';
const STACK_STATES = { create: 'creating', update: 'updating', delete: 'deleting' } as const;

function noPackages(): PackagesActivity {
  return { waiting: new Map(), prepared: { packages: 0, bytes: 0, files: 0 }, samples: [] };
}

/** Without what is fetched or uploaded, which has rows among them. */
function preparedNow({ packages }: Activity): PackageActivity[] {
  return [...packages].filter(([key]) => !key.includes(' ')).map(([, item]) => item);
}

function bytesOfAll(activity: Activity): number {
  const active = preparedNow(activity).reduce((sum, { bytes }) => sum + bytes, 0);
  return activity.allPackages.prepared.bytes + active;
}

/** `fetch app`, `upload app.jar`: a space keeps it apart from packages. */
function transferOf(event: DigestEvent | FetchEvent | UploadEvent): string {
  const [kind] = event.type.split('.');
  return `${kind} ${'package' in event ? event.package : event.source}`;
}

function stackOf({ stack }: { stack: string }): string {
  return `stack ${stack}`;
}

interface KnownAmounts {
  bytes?: number;
  bytesTotal?: number;
  files?: number;
  filesTotal?: number;
}

function newPackage(
  id: string,
  { bytes = 0, bytesTotal, files = 0, filesTotal }: KnownAmounts,
  nowMs: number,
): PackageActivity {
  return { id, bytes, bytesTotal, files, filesTotal, note: undefined, samples: [{ atMs: nowMs, bytes }] };
}

function progressed(
  known: PackageActivity,
  { bytes = 0, bytesTotal, files = 0, filesTotal }: KnownAmounts,
  nowMs: number,
): PackageActivity {
  return {
    ...known,
    bytes,
    files,
    bytesTotal: bytesTotal ?? known.bytesTotal,
    filesTotal: filesTotal ?? known.filesTotal,
    note: undefined,
    samples: sampled(known.samples, { atMs: nowMs, bytes }),
  };
}

function sampled(samples: readonly Sample[], newest: Sample): Sample[] {
  return [...samples, newest].filter(({ atMs }) => newest.atMs - atMs <= WINDOW_MS);
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
