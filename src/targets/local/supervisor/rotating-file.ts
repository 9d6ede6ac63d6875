import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { renameSync } from '../../../core/held-files.js';
import { KEPT_LOGS, rotatedLog } from '../layout.js';

/** A log that begins again when it is large: `host.log` becomes `host.log.1`, that becomes `host.log.2`, and so on. */
export interface RotatingFile {
  /** Never throws. What a full disk has no room for is lost, and counted. */
  write(bytes: Buffer): void;
  readonly descriptor: number;
}

const MAX_BYTES = 10 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Renamed at the end of a line, so that no line is in two files; the writer opens the next file itself. */
export function openRotatingFile(path: string, maxBytes = MAX_BYTES): RotatingFile {
  let descriptor = open(path);
  let size = fstatSync(descriptor).size;
  let lost = 0;

  const reopen = () => {
    try {
      const fresh = open(path);
      closeSync(descriptor);
      descriptor = fresh;
      size = fstatSync(descriptor).size;
    } catch {
      // There is no room for a new file: the old one is written on, and the next write tries again.
    }
  };
  /** How many bytes could be written. */
  const put = (bytes: Buffer): number => {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(descriptor, bytes, done);
    } catch {
      // What there is no room for is lost: a program that had to wait for room would stand still.
    }
    size += done;
    return done;
  };
  const append = (bytes: Buffer) => {
    const note =
      lost > 0
        ? Buffer.from(`\n[prestage] ${lost} bytes of output are missing here: there was no room for them\n`)
        : undefined;
    if (note && put(note) < note.length) lost += bytes.length;
    else lost = bytes.length - put(bytes);
  };
  return {
    get descriptor() {
      return descriptor;
    },
    write(bytes) {
      if (isElsewhere(path, descriptor)) reopen();
      const lineEnd = bytes.lastIndexOf(NEWLINE) + 1;
      if (size + bytes.length <= maxBytes || lineEnd === 0) return append(bytes);
      append(bytes.subarray(0, lineEnd));
      rotate(path);
      reopen();
      if (lineEnd < bytes.length) append(bytes.subarray(lineEnd));
    },
  };
}

function open(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
}

/** Whether somebody removed or renamed the file. */
function isElsewhere(path: string, descriptor: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there === undefined || there.ino !== fstatSync(descriptor).ino;
}

function rotate(path: string): void {
  for (let number = KEPT_LOGS; number >= 1; number--) {
    try {
      renameSync(rotatedLog(path, number - 1), rotatedLog(path, number));
    } catch {
      // There are not as many yet.
    }
  }
}
