/** Which of the lines that are there already `logs` shows. What comes later, with `--follow`, is all shown. */
export interface LogWindow {
  /** This many of each source, the last ones. */
  tail?: number;
  /** Milliseconds since 1970. */
  since?: number;
}

/** The lines of one source that a window shows. */
export class WindowedLines {
  readonly #tail: number;
  readonly #since: number;
  readonly #zone: 'local' | 'UTC';
  #lines: string[] = [];

  /** `zone`: in which a time is that does not say it: that of the machine which wrote the log. */
  constructor({ tail, since }: LogWindow, zone: 'local' | 'UTC') {
    this.#tail = tail ?? Number.POSITIVE_INFINITY;
    this.#since = since ?? Number.NEGATIVE_INFINITY;
    this.#zone = zone;
  }

  /**
   * A log's lines are in the order of time, so nothing before a line with an earlier time is shown. A line that says no
   * time may be as young as any: it is never hidden by a guess.
   */
  add(line: string): void {
    const time = this.#since === Number.NEGATIVE_INFINITY ? undefined : timeOf(line, this.#zone);
    if (time !== undefined && time < this.#since) this.#lines = [];
    else this.#lines.push(line);
    // Seldom, since each time moves what stays.
    if (this.#lines.length > 2 * this.#tail + 1000) this.#lines = this.#last();
  }

  lines(): readonly string[] {
    return this.#last();
  }

  #last(): string[] {
    return this.#tail === 0 ? [] : this.#lines.slice(-this.#tail);
  }
}

/** ISO 8601, with a space or T, a comma or a point, with or without a zone, also behind `[prestage]` or a bracket. */
const TIME =
  /^(?:\[prestage\] |\[)?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))? ?(Z|UTC|[+-]\d\d:?\d\d)?(?![\d:])/;

/** The time at the beginning of a line, in milliseconds since 1970. */
export function timeOf(line: string, zone: 'local' | 'UTC'): number | undefined {
  const [, day, clock, fraction = '0', written] = TIME.exec(line) ?? [];
  if (day === undefined) return undefined;
  const offset = written === undefined ? (zone === 'UTC' ? 'Z' : '') : written === 'UTC' ? 'Z' : written;
  const time = Date.parse(`${day}T${clock}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`);
  return Number.isNaN(time) ? undefined : time;
}
