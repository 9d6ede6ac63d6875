import { setTimeout as sleep } from 'node:timers/promises';
import { PrestageError, withoutCredentials } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { HOSTS, hostKeys, runKeys } from './bucket/layout.js';
import type { Place } from './context.js';
import { listRuns } from './worker/run-record.js';

const POLL_MS = 2000;

interface Log {
  source: string;
  service: string;
  /** All of it, as it is now. */
  read(): Promise<string>;
}

/** The lines of a service's hosts, of one host, of the last worker, or of all of them, as `log` events. */
export async function emitLogs(
  place: Pick<Place, 'bucket'>,
  source: string | undefined,
  { follow, signal, emit }: { follow: boolean; signal: AbortSignal; emit: Emit },
): Promise<void> {
  const logs = choose(await allLogs(place), source);
  const told = new Map<Log, string>();
  do {
    for (const log of logs) {
      const text = await log.read();
      const whole = follow ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
      const fresh = unseenOf(told.get(log) ?? '', whole);
      told.set(log, whole);
      for (const line of fresh.split('\n'))
        if (line !== '') emit({ type: 'log', source: log.source, line: withoutCredentials(line) });
    }
    if (follow) await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  } while (follow && !signal.aborted);
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
    ...(await hostLogs({ bucket })).map(({ host, instance }) => ({
      source: host,
      service: host.replace(/-\d+$/, ''),
      read: read(hostKeys(host, instance).log),
    })),
  ];
}

/** Of each host the instance that wrote last. */
async function hostLogs({ bucket }: Pick<Place, 'bucket'>): Promise<{ host: string; instance: string }[]> {
  const latest = new Map<string, { instance: string; writtenAt: number }>();
  for (const { key, writtenAt } of await bucket.listObjects(HOSTS)) {
    const [host, instance, file] = key.slice(HOSTS.length).split('/');
    if (host === undefined || instance === undefined || file !== 'host.log') continue;
    if ((latest.get(host)?.writtenAt ?? 0) <= writtenAt) latest.set(host, { instance, writtenAt });
  }
  return [...latest].map(([host, { instance }]) => ({ host, instance })).sort((a, b) => (a.host < b.host ? -1 : 1));
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
