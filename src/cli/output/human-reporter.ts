import type { PrestageError } from '../../core/errors.js';
import type { PrestageEvent } from '../../core/events.js';
import { errorBlock } from './error-block.js';
import { eventLines } from './event-lines.js';
import { applyToActivity, newActivity } from './live/activity.js';
import { LiveRegion } from './live/live-region.js';
import { progressLines } from './live/progress-lines.js';
import { progressRows } from './live/progress-rows.js';
import type { Outcome, Reporter } from './reporter.js';
import type { OutputStream, Surroundings } from './streams.js';
import { hasUnicode, isLive, styleFor, textWidth } from './text/appearance.js';
import type { Style } from './text/style.js';
import { folded } from './text/wrap.js';

const REDRAW_MS = 100;
/** In a pipe, progress is a line that stays. */
const LINES_MS = 5000;
/** A CI's log is read afterwards; its runner ends jobs that are silent for minutes. */
const LINES_IN_CI_MS = 30_000;

/** On a terminal, a row says the same. */
const SHOWN_BY_ROWS: ReadonlySet<PrestageEvent['type']> = new Set([
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
export class HumanReporter implements Reporter {
  readonly #surroundings: Surroundings;
  readonly #flags: HumanFlags;
  readonly #style: Style;
  readonly #isLive: boolean;
  readonly #region: LiveRegion;
  readonly #activity = newActivity();
  #timer: NodeJS.Timeout | undefined;

  constructor(surroundings: Surroundings, flags: HumanFlags) {
    const { stderr, env } = surroundings;
    this.#surroundings = surroundings;
    this.#flags = flags;
    this.#style = styleFor(stderr, flags, env);
    this.#isLive = isLive(stderr, flags, env);
    this.#region = new LiveRegion(stderr);
  }

  emit = (event: PrestageEvent): void => {
    if (event.type === 'log' || event.type === 'check') this.#printLine(event);
    else if (!this.#flags.quiet) this.#tell(event);
  };

  settle = (): void => {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#isLive) this.#region.draw([]);
  };

  succeed = ({ output = [], summary = [], error }: Outcome): void => {
    const { stderr } = this.#surroundings;
    this.settle();
    if (!this.#flags.quiet && summary.length > 0) stderr.write(text(fitted(summary, stderr)));
    this.#print(output);
    if (error) this.fail(error);
  };

  fail = (error: PrestageError): void => {
    const { stderr } = this.#surroundings;
    this.settle();
    const { verbose } = this.#flags;
    stderr.write(text(errorBlock(error, { style: this.#style, width: textWidth(stderr), verbose })));
  };

  #tell(event: PrestageEvent): void {
    applyToActivity(this.#activity, event, this.#surroundings.now());
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs()).unref();
    if (this.#hasLines(event)) this.#say(eventLines(event, { style: this.#style, verbose: this.#flags.verbose }));
  }

  #hasLines({ type }: PrestageEvent): boolean {
    return !(this.#isLive && !this.#flags.verbose && SHOWN_BY_ROWS.has(type));
  }

  #tickMs(): number {
    if (this.#isLive) return REDRAW_MS;
    return this.#surroundings.env.CI ? LINES_IN_CI_MS : LINES_MS;
  }

  #tick(): void {
    if (this.#isLive) this.#region.draw(this.#rows());
    else this.#say(progressLines(this.#activity, this.#surroundings.now()));
  }

  #rows(): string[] {
    const { stderr, env, now } = this.#surroundings;
    return progressRows(this.#activity, {
      width: (stderr.columns ?? 80) - 1,
      height: (stderr.rows ?? 24) - 2,
      nowMs: now(),
      style: this.#style,
      unicode: hasUnicode(env),
    });
  }

  #say(lines: readonly string[]): void {
    const { stderr } = this.#surroundings;
    if (lines.length === 0) return;
    if (this.#isLive) this.#region.draw(this.#rows(), fitted(lines, stderr));
    else stderr.write(text(fitted(lines, stderr)));
  }

  /** A log's line stays as the program wrote it; a check's is ours to break. */
  #printLine(event: Extract<PrestageEvent, { type: 'log' | 'check' }>): void {
    const { stdout, env } = this.#surroundings;
    const style = styleFor(stdout, this.#flags, env);
    const lines = eventLines(event, { style, verbose: this.#flags.verbose });
    this.#print(event.type === 'check' ? fitted(lines, stdout) : lines);
  }

  /** stdout and stderr may be the same terminal: no row may stand where a line goes. */
  #print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    if (this.#isLive) this.#region.draw([]);
    this.#surroundings.stdout.write(text(lines));
  }
}

/** Broken at spaces for a terminal; a line an event elsewhere. */
function fitted(lines: readonly string[], stream: OutputStream): readonly string[] {
  return stream.isTTY ? lines.flatMap((line) => folded(line, textWidth(stream))) : lines;
}

const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
