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

const REDRAW_MS = 100;
/** Where lines stay (a pipe, a CI's log), progress is told this often for each package. */
const PROGRESS_LINE_MS = 5000;

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
  const say = (lines: readonly string[]) => {
    if (live) region.draw(rows(), lines);
    else if (lines.length > 0) stderr.write(lines.map((line) => `${line}\n`).join(''));
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
    stdout.write(lines.map((line) => `${line}\n`).join(''));
  };

  const isTold = (event: PrestageEvent): boolean => {
    if (event.type !== 'package.progress') return true;
    if (live) return false;
    const told = progressTold.get(event.package);
    if (told !== undefined && now() - told < PROGRESS_LINE_MS) return false;
    progressTold.set(event.package, now());
    // The first is of no interest: the package has just started.
    return told !== undefined;
  };

  const emit = (event: PrestageEvent) => {
    if (event.type === 'log' || event.type === 'check') {
      return print(eventLines(event, { style: styleFor(stdout, flags, env), verbose: flags.verbose }));
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
    stderr.write(`${errorBlock(error, { style, width: textWidth(stderr), verbose: flags.verbose }).join('\n')}\n`);
  };

  return {
    emit,
    settle,
    succeed({ output = [], summary = [], error }: Outcome) {
      settle();
      if (!flags.quiet && summary.length > 0) stderr.write(summary.map((line) => `${line}\n`).join(''));
      print(output);
      if (error) fail(error);
    },
    fail,
  };
}
