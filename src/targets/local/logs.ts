import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runFiles } from '../../agent/index.js';
import { errnoOf, PrestageError, withoutCredentials } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { pauseUnlessAborted } from '../../core/pause.js';
import { type LogWindow, WindowedLines } from '../log-window.js';
import type { LogOptions } from '../target.js';
import type { LocalDatabase } from './database/index.js';
import { observedSpecs } from './hosts/observe.js';
import { hostFiles, hostFolder, type LocalLayout } from './layout.js';
import { type LogReader, openLogReader } from './log-reader.js';
import { runNames } from './worker.js';

const POLL_MS = 200;

interface Log {
  source: string;
  path: string;
  /** How a line is shown; undefined: not at all. */
  show(line: string): string | undefined;
  /** Whether there should be one. */
  required?: boolean;
}

interface OpenLog extends Log {
  reader: LogReader;
}

/** The lines of a service's hosts, of one host, of the database, of the worker, or of all of them, as `log` events. */
export async function emitLogs(
  source: string | undefined,
  { follow, signal, emit, ...window }: LogOptions,
  { layout, database }: { layout: LocalLayout; database: LocalDatabase },
): Promise<void> {
  const chosen = await chooseLogs(source, layout, database);
  const logs = chosen.map((log) => ({ ...log, reader: openLogReader(log.path) }));
  try {
    await emitWindow(logs, window, { emit, partial: !follow });
    while (follow && !signal.aborted) {
      await pauseUnlessAborted(POLL_MS, signal);
      for (const log of logs) {
        const say = (line: string) => emit({ type: 'log', source: log.source, line });
        await readLines(log, { say, emit, partial: false });
      }
    }
  } finally {
    for (const { reader } of logs) await reader.close();
  }
}

/** What is there already, as far as the window shows it. */
async function emitWindow(
  logs: readonly OpenLog[],
  window: LogWindow,
  { emit, partial }: { emit: Emit; partial: boolean },
): Promise<void> {
  for (const source of new Set(logs.map((log) => log.source))) {
    const lines = new WindowedLines(window, 'local');
    for (const log of logs.filter((each) => each.source === source)) {
      // Its beginning is not read again by anyone who follows, whether it is shown or not.
      const isOld = window.since !== undefined && (await writtenAt(log.path)) < window.since;
      const say = isOld ? () => {} : (line: string) => lines.add(line);
      await readLines(log, { say, emit, partial });
    }
    for (const line of lines.lines()) emit({ type: 'log', source, line });
  }
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
      required: true,
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

/** `2026-11-24T02:33:27.123Z package.published package=installer files=12`; progress and diffs would drown the rest. */
function eventInWords(line: string): string | undefined {
  try {
    const { time, type, error, ...details } = JSON.parse(line) as Record<string, unknown> & {
      error?: { message?: string };
    };
    if (type === 'package.progress' || type === 'package.changed') return undefined;
    const words = Object.entries(details).map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    return [time, type, ...words, ...(error?.message === undefined ? [] : [error.message])].join(' ');
  } catch {
    return undefined;
  }
}

/** Says the lines that were not said yet. A last line without its end is left for later, unless there is no later. */
async function readLines(
  { path, source, required, reader, show }: OpenLog,
  { say, emit, partial }: { say: (line: string) => void; emit: Emit; partial: boolean },
): Promise<void> {
  const sayLine = (line: Buffer) => {
    const shown = show(line.toString('utf8').replace(/\r$/, ''));
    if (shown !== undefined) say(withoutCredentials(shown));
  };
  const { gaps } = reader;
  const isThere = await reader.read(sayLine);
  if (partial) reader.rest(sayLine);
  if (partial && !isThere && required)
    emit({ type: 'notice', message: `${source} has no log: it wrote nothing yet, or somebody removed ${path}.` });
  if (reader.gaps > gaps)
    emit({
      type: 'notice',
      message: `A part of the log of ${source} is not shown: it was rotated away before it could be read.`,
    });
}

async function writtenAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
