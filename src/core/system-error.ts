import { constants } from 'node:os';
import type { ErrorCode } from './error-codes.js';

/** An error that came again and again, for so long. */
export interface HeldError extends Error {
  heldForMs?: number;
}

/** What Node throws where the operating system refused: with its errno by name, and the call. */
export interface SystemError extends HeldError {
  code: string;
  syscall: string;
  path?: string;
}

export function systemError(error: unknown): SystemError | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined;
  const system = error as SystemError & { errno?: number };
  if (UNNAMED.test(system.code)) system.code = errnoName(-(system.errno ?? 0)) ?? system.code;
  return system;
}

/** The errno name of a system error (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  return systemError(error)?.code;
}

/** What libuv calls an errno that it has no name for, from a callback and from a call that waits. */
const UNNAMED = /^(Unknown system error|UNKNOWN$)/;

/** Some of those are what network file systems answer: ESTALE, EDQUOT. */
function errnoName(errno: number): string | undefined {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0];
}

export interface Diagnosis {
  code: ErrorCode;
  message: string;
  hint: string;
}

/** What a system error at a path means, and what to do about it. */
export function diagnosis({ code, syscall, heldForMs }: SystemError, path: string | undefined): Diagnosis {
  const at = path === undefined ? '' : ` at ${path}`;
  const said = `(${code} from ${syscall})`;
  if (heldForMs !== undefined) {
    const seconds = Math.round(heldForMs / 1000);
    return {
      code: 'STORE_UNWRITABLE',
      message: `Windows still refuses what was tried${at}, after ${seconds} seconds ${said}.`,
      hint: 'Another program has it open, or something in it: an editor, a terminal in that folder, a virus scanner. Close it (the Resource Monitor says which one it is), or check your rights to that path and its read-only attribute; then run the same command again: finished work is kept.',
    };
  }
  if (code === 'EPERM' && syscall === 'symlink') {
    return {
      code: 'STORE_UNWRITABLE',
      message: `A symbolic link cannot be made${at} ${said}.`,
      hint: 'On Windows, links in packages need Developer Mode or an administrator; elsewhere this file system has no symbolic links. Turn that on or name a `root` on another file system, then run the same command again.',
    };
  }
  switch (code) {
    case 'ENOSPC':
      return {
        code: 'DISK_FULL',
        message: `No space left${at} ${said}.`,
        hint: 'Free space there (`prestage prune` removes old releases) or enlarge the file system, then run the same command again.',
      };
    case 'EDQUOT':
      return {
        code: 'DISK_FULL',
        message: `The quota is used up${at} ${said}.`,
        hint: 'Free space there (`prestage prune` removes old releases) or have the quota of this user raised, then run the same command again.',
      };
    case 'ESTALE':
      return {
        code: 'STORE_IO',
        message: `The file handle is stale${at} ${said}.`,
        hint: 'The server has replaced what this machine had mounted. Unmount the file system and mount it again, then run the same command again: finished work is kept.',
      };
    case 'EMFILE':
    case 'ENFILE':
      return {
        code: 'STORE_IO',
        message: `Too many files are open${at} ${said}.`,
        hint: 'Raise the limit of open files (`ulimit -n`, or LimitNOFILE= of a systemd unit) to 1024 or more, then run the same command again: finished work is kept.',
      };
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return {
        code: 'STORE_UNWRITABLE',
        message: `Not allowed${at} ${said}.`,
        hint: 'Check the owner and mode of that path and how its file system is mounted, then run the same command again.',
      };
    default:
      return {
        code: 'STORE_IO',
        message: `The file system failed${at} ${said}.`,
        hint: 'Check that the file system is mounted and healthy, then run the same command again: finished work is kept.',
      };
  }
}
