import type { PrestageEvent, TimedEvent } from '../../core/events.js';
import type { Reporter } from './reporter.js';
import type { OutputStream } from './streams.js';
import { jsonLine } from './text/shown.js';

/** One JSON object a line: events with their time, and last the result. */
export function jsonReporter(stdout: OutputStream, command: string): Reporter {
  const line = (value: object) => stdout.write(`${jsonLine(value)}\n`);
  return {
    emit: (event) => line(timed(event)),
    settle: () => {},
    succeed: ({ result, error }) =>
      line({
        type: 'result',
        command,
        ok: error === undefined,
        ...result,
        ...(error ? { error: error.serialize() } : {}),
      }),
    fail: (error) => line({ type: 'result', command, ok: false, error: error.serialize() }),
  };
}

/** A worker's events have the time at which they happened there. */
function timed(event: PrestageEvent | TimedEvent): object {
  const { type, ...rest } = event;
  return { type, time: new Date().toISOString(), ...rest };
}
