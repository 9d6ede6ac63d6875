import type { Surroundings } from './output/streams.js';

const exit = process.exit.bind(process);

/** Ends the process at once; `process.exit` is not for others while a command works (ownProcess). */
export function exitProcess(status: number): never {
  return exit(status);
}

/**
 * The process as a command's surroundings, from now on for it alone. A configuration may be a program, and runs in this
 * process: what it prints goes to stderr, since stdout is the result's, and it cannot end the command without a result.
 */
export function ownProcess(): Surroundings {
  const { stdin, stdout, stderr, env } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  process.exit = (code) => {
    throw new Error(`it calls process.exit(${code ?? ''}), which would end the command without a result`);
  };
  return {
    stdin,
    stdout: {
      write: (text, done) => write(text, done),
      on: (event, listener) => stdout.on(event, listener),
      get isTTY() {
        return stdout.isTTY;
      },
      get columns() {
        return stdout.columns;
      },
      get rows() {
        return stdout.rows;
      },
    },
    stderr,
    env,
    now: () => performance.now(),
  };
}
