/** What is needed of stdout and stderr; `process.stdout` is one, and so is a test's. */
export interface OutputStream {
  write(text: string, done?: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/** Where a command runs: everything outside it that it looks at or writes to. */
export interface Surroundings {
  stdin: InputStream;
  stdout: OutputStream;
  stderr: OutputStream;
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds, from any start. */
  now(): number;
}

/**
 * A stream whose reader may leave (`prestage releases | head -1`): what is written after that goes nowhere, and is no
 * error. `gone` is told once.
 */
export function tolerant(stream: OutputStream, gone: () => void = () => {}): OutputStream {
  let open = true;
  stream.on('error', (error) => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE' && (error as NodeJS.ErrnoException).code !== 'EIO')
      throw error;
    if (open) gone();
    open = false;
  });
  return {
    write: (text, done) => (open ? stream.write(text, done) : done?.()),
    get isTTY() {
      return stream.isTTY ?? false;
    },
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
    on: (event, listener) => stream.on(event, listener),
  };
}

/** Resolves when everything that was written before is with the system: pipes are asynchronous on some systems. */
export function flushed(stream: OutputStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
