import { makePipe, pipeOf } from './output-pipe.js';
import { openRotatingFile } from './rotating-file.js';

export interface HostLog {
  /** For a child's stdout and stderr. */
  readonly descriptor: number;
  /** A line of the supervisor's own, after all that programs wrote so far. Never throws. */
  say(line: string): void;
  /** Lines that a program wrote elsewhere. Never throws. */
  add(lines: Buffer): void;
  /** Takes what programs wrote so far. */
  drain(): void;
}

/**
 * Opens the log of a host. Programs write to a pipe, so that nothing is lost when the log is rotated. Only where nobody
 * stays to read that, as with a host that has no `run`, or where there are no pipes, they write to the file itself, and it
 * is not rotated.
 *
 * @param options.adopted the program of a supervisor that was killed
 */
export function openHostLog(path: string, options: { stays: boolean; adopted?: number | undefined }): HostLog {
  const file = openRotatingFile(path);
  const adopted = options.adopted === undefined ? undefined : pipeOf(options.adopted, file.write);
  const pipe = adopted ?? (options.stays ? makePipe(file.write) : undefined);
  const drain = () => pipe?.drain();
  return {
    get descriptor() {
      return pipe?.descriptor ?? file.descriptor;
    },
    say(line) {
      drain();
      file.write(Buffer.from(`[prestage] ${new Date().toISOString()} ${line}\n`));
    },
    add(lines) {
      drain();
      file.write(lines);
    },
    drain,
  };
}
