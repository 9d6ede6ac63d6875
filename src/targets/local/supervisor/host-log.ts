import { closeSync, constants, copyFileSync, openSync, statSync, truncateSync, writeSync } from 'node:fs';

const MAX_BYTES = 10 * 1024 * 1024;
const CHECK_EVERY_MS = 5_000;

/** The file that the host's programs write to directly, so that their output does not depend on the supervisor's life. */
export interface HostLog {
  /** For a child's stdout and stderr. */
  readonly descriptor: number;
  /** A line of the supervisor's own. */
  say(line: string): void;
  close(): void;
}

/**
 * Opens the log for appending. When it is over 10 MiB it is copied to `<path>.1` and emptied: whoever writes to it
 * keeps an open descriptor, and appending goes on at the new end. What is written between the two calls is lost.
 */
export function openHostLog(path: string): HostLog {
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
  const timer = setInterval(() => rotate(path), CHECK_EVERY_MS).unref();
  return {
    descriptor,
    say(line) {
      try {
        writeSync(descriptor, `[prestage] ${new Date().toISOString()} ${line}\n`);
      } catch {
        // The disk is full. What the program does matters more than what is said of it.
      }
    },
    close: () => {
      clearInterval(timer);
      closeSync(descriptor);
    },
  };
}

export function rotate(path: string, maxBytes = MAX_BYTES): void {
  try {
    if (statSync(path).size <= maxBytes) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  } catch {
    // The disk is full, or the folder is being removed: the programs go on, and the next check tries again.
  }
}
