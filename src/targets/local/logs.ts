import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runFiles } from '../../agent/index.js';
import { errnoOf, PrestageError, withoutCredentials } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { type LogWindow, WindowedLines } from '../log-window.js';
import type { LogOptions } from '../target.js';
import type { LocalDatabase } from './database/index.js';
import { observedSpecs } from './hosts/observe.js';
import { hostFiles, hostFolder, type LocalLayout } from './layout.js';
import { runNames } from './worker.js';

const POLL_MS = 200;

interface Log {
  source: string;
  path: string;
  /** How a line is shown; undefined: not at all. */
  show(line: string): string | undefined;
}

/** The lines of a service's hosts, of one host, of the database, of the worker, or of all of them, as `log` events. */
export async function emitLogs(
  source: string | undefined,
  { follow, signal, emit, ...window }: LogOptions,
  { layout, database }: { layout: LocalLayout; database: LocalDatabase },
): Promise<void> {
  const logs = await chooseLogs(source, layout, database);
  const positions = await emitWindow(logs, window, { emit, partial: !follow });
  while (follow && !signal.aborted) {
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    for (const log of logs) {
      const say = (line: string) => emit({ type: 'log', source: log.source, line });
      positions.set(log.path, await readFrom(log, positions.get(log.path) ?? 0, { say, partial: false }));
    }
  }
}

/** What is there already, as far as the window shows it; gives where the next lines will begin. */
async function emitWindow(
  logs: readonly Log[],
  window: LogWindow,
  { emit, partial }: { emit: Emit; partial: boolean },
): Promise<Map<string, number>> {
  const positions = new Map<string, number>();
  for (const source of new Set(logs.map((log) => log.source))) {
    const lines = new WindowedLines(window, 'local');
    for (const log of logs.filter((each) => each.source === source)) {
      // Its beginning is not read again by whoever follows, whether it is shown or not.
      const isOld = window.since !== undefined && (await writtenAt(log.path)) < window.since;
      const say = isOld ? () => {} : (line: string) => lines.add(line);
      positions.set(log.path, await readFrom(log, 0, { say, partial }));
    }
    for (const line of lines.lines()) emit({ type: 'log', source, line });
  }
  return positions;
}

async function chooseLogs(source: string | undefined, layout: LocalLayout, database: LocalDatabase): Promise<Log[]> {
  const specs = await observedSpecs(layout);
  const run = (await runNames(layout)).at(-1);
  const all = [
    ...(run === undefined ? [] : workerLogs(join(layout.runs, run))),
    { source: 'database', service: 'database', path: database.log, show: plainly },
    ...specs.map(({ host, service }) => ({
      source: host,
      service,
      path: hostFiles(hostFolder(layout, host)).log,
      show: plainly,
    })),
  ];
  const chosen = source === undefined ? all : all.filter((log) => log.source === source || log.service === source);
  if (chosen.length > 0) return chosen;
  const known = [...new Set(all.flatMap((log) => [log.service, log.source]))].sort();
  throw new PrestageError('USAGE', `There is no log of ${source}.`, {
    hint: `There are: ${known.join(', ')}.`,
    context: { expected: known.join(', '), found: source ?? '' },
  });
}

function plainly(line: string): string {
  return line;
}

function workerLogs(runFolder: string): (Log & { service: string })[] {
  const worker = { source: 'worker', service: 'worker' };
  const { events, log } = runFiles(runFolder);
  return [
    { ...worker, path: events, show: eventInWords },
    { ...worker, path: log, show: plainly },
  ];
}

/** `2026-11-24T02:33:27.123Z package.published package=installer files=12`; progress would drown the rest. */
function eventInWords(line: string): string | undefined {
  try {
    const { time, type, error, ...details } = JSON.parse(line) as Record<string, unknown> & {
      error?: { message?: string };
    };
    if (type === 'package.progress') return undefined;
    const words = Object.entries(details).map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    return [time, type, ...words, ...(error?.message === undefined ? [] : [error.message])].join(' ');
  } catch {
    return undefined;
  }
}

/**
 * Says the lines from a position on; returns where the next ones will begin. A last line without its end is left for
 * later, unless there is no later. A log that was emptied begins anew.
 */
async function readFrom(
  { path, show }: Log,
  position: number,
  { say, partial }: { say: (line: string) => void; partial: boolean },
): Promise<number> {
  const size = await sizeOf(path);
  let next = size < position ? 0 : position;
  if (size === next) return next;
  const sayLine = (line: Buffer) => {
    const shown = show(line.toString('utf8').replace(/\r$/, ''));
    if (shown !== undefined) say(withoutCredentials(shown));
  };
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { start: next, end: size - 1 }) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      sayLine(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      next += end + 1;
    }
  }
  if (!partial || rest.length === 0) return next;
  sayLine(rest);
  return size;
}

async function sizeOf(path: string): Promise<number> {
  return (await existing(path))?.size ?? 0;
}

async function writtenAt(path: string): Promise<number> {
  return (await existing(path))?.mtimeMs ?? 0;
}

async function existing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
