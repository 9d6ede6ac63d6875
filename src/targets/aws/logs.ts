import { PrestageError, withoutCredentials } from '../../core/errors.js';
import { pauseUnlessAborted } from '../../core/pause.js';
import { WindowedLines } from '../log-window.js';
import type { LogOptions } from '../target.js';
import { HOSTS, hostKeys, runKeys } from './bucket/layout.js';
import type { Place } from './environment/context.js';
import { listRuns } from './worker/run-record.js';

const POLL_MS = 2000;

interface Log {
  source: string;
  service: string;
  /** When it was written last, as the bucket has it; undefined where nobody asked. */
  writtenAt?: number;
  /** All of it, as it is now. */
  read(): Promise<string>;
}

/** The lines of a service's hosts, of one host, of the last worker, or of all of them, as `log` events. */
export async function emitLogs(
  place: Pick<Place, 'bucket'>,
  source: string | undefined,
  { follow, signal, emit, ...window }: LogOptions,
): Promise<void> {
  const logs = choose(await allLogs(place), source);
  const told = new Map<Log, string>();
  const fresh = async (log: Log): Promise<string[]> => {
    const text = await log.read();
    const whole = follow ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
    const unseen = unseenOf(told.get(log) ?? '', whole);
    told.set(log, whole);
    return unseen.split('\n').filter((line) => line !== '');
  };
  const say = (source: string, lines: readonly string[]) => {
    for (const line of lines) emit({ type: 'log', source, line: withoutCredentials(line) });
  };
  for (const source of new Set(logs.map((log) => log.source))) {
    const lines = new WindowedLines(window, 'UTC');
    for (const log of logs.filter((each) => each.source === source)) {
      const isOld = window.since !== undefined && log.writtenAt !== undefined && log.writtenAt < window.since;
      for (const line of await fresh(log)) if (!isOld) lines.add(line);
    }
    say(source, lines.lines());
  }
  while (follow && !signal.aborted) {
    await pauseUnlessAborted(POLL_MS, signal);
    for (const log of logs) say(log.source, await fresh(log));
  }
}

/** By how much of what was told last a place is known again. */
const KNOWN_CHARS = 2000;

/** What of a log was not there before. Hosts put the end of a long log alone, which then begins somewhere else. */
export function unseenOf(before: string, now: string): string {
  if (now.startsWith(before)) return now.slice(before.length);
  const known = before.slice(-KNOWN_CHARS);
  const at = now.lastIndexOf(known);
  return at < 0 ? now : now.slice(at + known.length);
}

async function allLogs({ bucket }: Pick<Place, 'bucket'>): Promise<Log[]> {
  const run = (await listRuns(bucket)).at(-1);
  const read = (key: string) => async () => (await bucket.getText(key)) ?? '';
  const worker = run === undefined ? [] : [runKeys(run).bootLog, runKeys(run).log];
  return [
    ...worker.map((key) => ({ source: 'worker', service: 'worker', read: read(key) })),
    ...(await hostLogs({ bucket })).map(({ host, instance, writtenAt }) => ({
      source: host,
      writtenAt,
      service: host.replace(/-\d+$/, ''),
      read: read(hostKeys(host, instance).log),
    })),
  ];
}

interface HostLog {
  host: string;
  instance: string;
  writtenAt: number;
}

/** For each host, the instance that wrote last. */
async function hostLogs({ bucket }: Pick<Place, 'bucket'>): Promise<HostLog[]> {
  const latest = new Map<string, { instance: string; writtenAt: number }>();
  for (const { key, writtenAt } of await bucket.listObjects(HOSTS)) {
    const [host, instance, file] = key.slice(HOSTS.length).split('/');
    if (host === undefined || instance === undefined || file !== 'host.log') continue;
    if ((latest.get(host)?.writtenAt ?? 0) <= writtenAt) latest.set(host, { instance, writtenAt });
  }
  return [...latest].map(([host, found]) => ({ host, ...found })).sort((a, b) => (a.host < b.host ? -1 : 1));
}

function choose(all: Log[], source: string | undefined): Log[] {
  const chosen = source === undefined ? all : all.filter((log) => log.source === source || log.service === source);
  if (chosen.length > 0 || source === undefined) return chosen;
  const known = [...new Set(all.flatMap((log) => [log.service, log.source]))].sort();
  throw new PrestageError('USAGE', `There is no log of ${source}.`, {
    hint: known.length === 0 ? 'Nothing has run here yet.' : `There are: ${known.join(', ')}.`,
    context: { expected: known.join(', '), found: source },
  });
}
