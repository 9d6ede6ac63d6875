import type { PrestageError } from '../../core/errors.js';
import type { PrestageEvent } from '../../core/events.js';
import { applyToActivity, newActivity } from './activity.js';
import { hasUnicode, isLive, styleFor, textWidth } from './appearance.js';
import { errorBlock } from './error-block.js';
import { eventLines } from './event-lines.js';
import { LiveRegion } from './live-region.js';
import { progressRows } from './progress-rows.js';
import type { Outcome, Reporter } from './reporter.js';
import type { Surroundings } from './streams.js';
import { folded } from './wrap.js';

const REDRAW_MS = 100;
/** Where lines stay (a pipe, a CI's log), progress is told this often for each package. */
const PROGRESS_LINE_MS = 5000;

const SHOWN_BY_ROWS: ReadonlySet<PrestageEvent['type']> = new Set([
  'package.progress',
  'fetch.progress',
  'upload.progress',
  'host.starting',
  'host.booted',
  'database.starting',
]);

export interface HumanFlags {
  color: boolean;
  quiet: boolean;
  json: boolean;
  verbose: boolean;
}

/** Lines on stderr, with live progress below them on a terminal; results, logs and checks on stdout. */
export function humanReporter({ stdout, stderr, env, now }: Surroundings, flags: HumanFlags): Reporter {
  const style = styleFor(stderr, flags, env);
  const live = isLive(stderr, flags, env);
  const region = new LiveRegion(stderr);
  const activity = newActivity();
  const unicode = hasUnicode(env);
  const progressTold = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const rows = () =>
    progressRows(activity, {
      width: (stderr.columns ?? 80) - 1,
      height: (stderr.rows ?? 24) - 2,
      nowMs: now(),
      style,
      unicode,
    });
  /** Broken at spaces for a terminal; a line an event elsewhere. */
  const fitted = (lines: readonly string[]) =>
    stderr.isTTY ? lines.flatMap((line) => folded(line, textWidth(stderr))) : lines;
  const say = (lines: readonly string[]) => {
    if (live) region.draw(rows(), fitted(lines));
    else stderr.write(text(fitted(lines)));
  };
  const settle = () => {
    clearInterval(timer);
    timer = undefined;
    if (live) region.draw([]);
  };
  /** stdout and stderr may be the same terminal: no row may stand where a line goes. */
  const print = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    if (live) region.draw([]);
    stdout.write(text(lines));
  };

  const isTold = (event: PrestageEvent): boolean => {
    // On a terminal, its row says where a host or a package is.
    if (live && !flags.verbose && SHOWN_BY_ROWS.has(event.type)) return false;
    const about = progressOf(event);
    if (about === undefined) return true;
    const told = progressTold.get(about);
    if (told !== undefined && now() - told < PROGRESS_LINE_MS) return false;
    progressTold.set(about, now());
    // The first is of no interest: it has just started.
    return told !== undefined;
  };

  const emit = (event: PrestageEvent) => {
    if (event.type === 'log' || event.type === 'check') {
      const lines = eventLines(event, { style: styleFor(stdout, flags, env), verbose: flags.verbose });
      // A table's row is ours to break; a log's line is not.
      const broken = event.type === 'check' && stdout.isTTY;
      return print(broken ? lines.flatMap((line) => folded(line, textWidth(stdout))) : lines);
    }
    if (flags.quiet) return;
    if (live) {
      applyToActivity(activity, event, now());
      timer ??= setInterval(() => region.draw(rows()), REDRAW_MS).unref();
    }
    if (isTold(event)) say(eventLines(event, { style, verbose: flags.verbose }));
  };

  const fail = (error: PrestageError) => {
    settle();
    stderr.write(text(errorBlock(error, { style, width: textWidth(stderr), verbose: flags.verbose })));
  };

  return {
    emit,
    settle,
    succeed({ output = [], summary = [], error }: Outcome) {
      settle();
      if (!flags.quiet && summary.length > 0) stderr.write(text(fitted(summary)));
      print(output);
      if (error) fail(error);
    },
    fail,
  };
}

/** Whose progress an event tells; undefined where it tells something else. */
function progressOf(event: PrestageEvent): string | undefined {
  switch (event.type) {
    case 'package.progress':
      return event.package;
    case 'fetch.progress':
      return `fetch ${event.package}`;
    case 'upload.progress':
      return `upload ${event.source}`;
    default:
      return undefined;
  }
}

const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
