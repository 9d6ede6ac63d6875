import { PassThrough } from 'node:stream';
import type { InputStream, OutputStream, Surroundings } from '../src/cli/output/streams.js';

/** A stream that keeps what is written to it. */
export class CapturedStream implements OutputStream {
  text = '';
  constructor(
    readonly isTTY = false,
    readonly columns = 80,
    readonly rows = 24,
  ) {}

  write(text: string, done?: () => void): void {
    this.text += text;
    done?.();
  }

  on(): void {}

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

export type Captured = Surroundings & {
  stdin: InputStream & { end(): void };
  stdout: CapturedStream;
  stderr: CapturedStream;
  clock: { ms: number };
};

/** Surroundings of a command line that a test can look into: pipes, unless a terminal's size is given. */
export function captured(
  options: { terminal?: { columns: number; rows: number }; env?: Record<string, string>; input?: string } = {},
): Captured {
  const { terminal, env = {}, input } = options;
  const stream = () => new CapturedStream(terminal !== undefined, terminal?.columns, terminal?.rows);
  const clock = { ms: 0 };
  const stdin = Object.assign(new PassThrough(), { isTTY: terminal !== undefined });
  stdin.end(input);
  return { stdin, stdout: stream(), stderr: stream(), env: { LANG: 'C.UTF-8', ...env }, now: () => clock.ms, clock };
}
