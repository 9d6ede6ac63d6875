import { constants } from 'node:os';
import type { HeldError } from './held-files.js';

/** Every way that Prestage fails: its stable code, the exit status of the command line, and what it means. */
export const ERRORS = {
  // 2: the command line or the configuration is wrong; nothing was changed.
  USAGE: [2, 'The command line has an unknown command, flag or value, or flags that exclude each other.'],
  CONFIRMATION_REQUIRED: [
    2,
    'Something would be destroyed, and there is no terminal to ask on; `--yes` says it outright.',
  ],
  CONFIG_NOT_FOUND: [2, 'No configuration file in the folder, or not at the path that `--config` names.'],
  CONFIG_AMBIGUOUS: [2, 'More than one configuration file in the folder.'],
  CONFIG_SYNTAX: [
    2,
    'The configuration file is not valid TypeScript, JavaScript, JSON or YAML, or it threw when it was run.',
  ],
  CONFIG_INVALID: [2, 'A key is unknown, a value has the wrong type or breaks a rule of the configuration.'],
  CONFIG_FILE_MISSING: [2, 'A file or folder that the configuration names does not exist or cannot be read.'],
  CONFIG_CYCLE: [2, 'Services wait for each other in a circle (`after`).'],
  CONFIG_SCRIPT: [2, 'A `boot` or `run` script cannot be started as it is: no `#!` line, or a carriage return in it.'],
  ENVIRONMENT_UNKNOWN: [
    2,
    'The environment that `--env` names is not in the configuration, or there are several and none was named.',
  ],
  SOURCE_UNSAFE: [
    2,
    'A source folder holds what no tree may hold: a device, a link that leaves it, a name that is not UTF-8 or that differs from another only in case.',
  ],
  INTEGRITY_MISMATCH: [2, 'A source is not what its `integrity` in the configuration says.'],
  LOCKFILE_INVALID: [2, 'prestage.lock cannot be read: damaged, or written by a newer version.'],
  DATABASE_UNSUPPORTED: [2, 'The database engine or version is not available on this target.'],
  RELEASE_UNKNOWN: [2, 'The release that was named is not in the store.'],
  FILE_EXISTS: [2, 'A file that would be written exists already.'],
  // 1: the work failed.
  SOURCE_UNREACHABLE: [1, 'A source could not be fetched: no answer, a refused connection, or retries used up.'],
  SOURCE_REFUSED: [1, 'The server of a source answered that it will not give it (401, 403, 404 and the like).'],
  AWS_SETTINGS: [1, 'AWS credentials or an endpoint that this machine is set up with are missing, expired or wrong.'],
  PROXY_SETTINGS: [
    1,
    'A proxy variable of the environment (HTTPS_PROXY and the like) names no proxy that can be used.',
  ],
  SOURCE_MOVED: [1, 'A remote source is no longer what prestage.lock or its `integrity` pins.'],
  SOURCE_CHANGED: [1, 'A local source changed while it was being read.'],
  ARCHIVE_INVALID: [1, 'An archive is damaged or cut off, or breaks the rules of its format.'],
  ARCHIVE_UNSUPPORTED: [1, 'An archive, or an entry of it, is in a format or encoding that is not supported.'],
  ARCHIVE_UNSAFE: [
    1,
    'An archive has an entry that would leave its tree, or that no tree may hold (devices, ambiguous names).',
  ],
  ARCHIVE_LIMIT: [1, 'An archive is larger, deeper or more compressed than the limits allow.'],
  STEP_NO_EFFECT: [1, 'A step changed nothing, and does not say `optional: true`.'],
  STEP_FILE_MISSING: [1, 'A step names a file, or a pattern, that nothing in the tree matches.'],
  STEP_COUNT: [1, 'A replace step found another number of places than it expects.'],
  STEP_INVALID: [1, 'A step cannot be carried out on the file as it is: wrong syntax, wrong type, a missing section.'],
  PATCH_FAILED: [1, 'A hunk of a patch does not apply within the allowed fuzz, or is applied already.'],
  PATCH_INVALID: [1, 'A patch file is malformed, empty, or of a kind that is not supported (binary).'],
  TEMPLATE_UNKNOWN: [1, 'A template uses a variable that the step does not define.'],
  DISK_FULL: [1, 'The file system has not enough space or inodes, or a quota is used up.'],
  STORE_IO: [1, 'The shared file system answered with an error.'],
  STORE_INVALID: [1, 'Something in the store is not what it must be: a damaged manifest or release record.'],
  STORE_UNWRITABLE: [1, 'The store cannot be written: permissions, or a read-only mount.'],
  LEASE_LOST: [1, 'The lock was deleted, or taken over by another run, while this one was working.'],
  AWS_ACCOUNT: [2, 'The credentials are of another AWS account than the environment is pinned to.'],
  AWS_PARTS_MISSING: [2, 'The optional packages that deploy to AWS are not installed.'],
  AWS_FAILED: [1, 'AWS answered a request with an error, or not at all.'],
  MACHINE_STUCK: [1, 'An instance that must not outlive its use could not be ended.'],
  STACK_FAILED: [1, 'CloudFormation could not make a stack as its template says.'],
  STACK_STUCK: [1, 'A CloudFormation stack is in a state that a person has to put right.'],
  FILES_NOT_READY: [1, 'Phase 2 was asked for alone, and the release is not prepared.'],
  WORKER_SETUP: [1, 'The machine of a worker could not install, mount or fetch what it needs.'],
  WORKER_DIED: [1, 'The worker ended without a result.'],
  WORKER_DEADLINE: [1, 'The worker ran into its deadline and ended itself.'],
  PORT_IN_USE: [1, 'A port that a service or the database needs is taken by another program.'],
  HOST_FAILED: [
    1,
    'A host did not become healthy: its boot script failed, its program ended, or its health check ran out of time.',
  ],
  DATABASE_FAILED: [1, 'The database could not be started or prepared.'],
  PROCESS_STUCK: [1, 'A process did not end, even when it was killed.'],
  NOTHING_DEPLOYED: [1, 'There is no deployment, or no earlier release, to act on.'],
  CHECK_FAILED: [1, 'A check of `prestage test` or `prestage doctor` failed.'],
  INTERNAL: [1, 'A defect of Prestage itself.'],
  // 3, 4 and signals.
  VERIFY_DIFFERENCE: [3, 'The store differs from its manifests.'],
  LOCKED: [4, 'Another run holds the lock.'],
  INTERRUPTED: [130, 'Interrupted (Ctrl-C). Nothing is lost.'],
  TERMINATED: [143, 'Terminated by a signal. Nothing is lost.'],
} as const satisfies Record<string, readonly [exit: number, meaning: string]>;

export type ErrorCode = keyof typeof ERRORS;

/** Where something failed. Only what is known is set; values never hold secrets. */
export interface ErrorContext {
  package?: string;
  /** The step's number in its package, from 1. */
  step?: number;
  stepKind?: string;
  service?: string;
  host?: string;
  file?: string;
  /** Line in `file`, from 1. */
  line?: number;
  key?: string;
  url?: string;
  path?: string;
  expected?: string;
  found?: string;
  [detail: string]: unknown;
}

export interface ErrorDetails {
  /** What to do next, as one or two sentences for the person who reads it. */
  hint?: string;
  context?: ErrorContext;
  cause?: unknown;
  /** Whether the same attempt may succeed later (a dropped connection), as opposed to never (a 404). */
  retryable?: boolean;
}

/** How an error is written to `--json`, to a worker's result and to logs. */
export interface SerializedError {
  code: ErrorCode;
  message: string;
  hint?: string | undefined;
  context: ErrorContext;
}

/** The one error class: `message` says what failed and where, `hint` what to do. URLs in it lose their credentials. */
export class PrestageError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly context: ErrorContext;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(withoutCredentials(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PrestageError';
    this.code = code;
    this.hint = details.hint === undefined ? undefined : withoutCredentials(details.hint);
    this.context = cleaned(details.context ?? {});
    this.retryable = details.retryable ?? false;
  }

  get exitStatus(): number {
    return ERRORS[this.code][0];
  }

  serialize(): SerializedError {
    return { code: this.code, message: this.message, hint: this.hint, context: this.context };
  }

  static deserialize(error: SerializedError): PrestageError {
    return new PrestageError(error.code, error.message, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      context: error.context,
    });
  }

  /** The same error, with more of the place where it happened; what is already known is kept. */
  within(context: ErrorContext): PrestageError {
    return new PrestageError(this.code, this.message, {
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      context: { ...context, ...this.context },
      cause: this.cause,
      retryable: this.retryable,
    });
  }
}

/** Anything thrown, as a PrestageError: system errors by their errno, the rest as `INTERNAL`. */
export function asPrestageError(error: unknown, context: ErrorContext = {}): PrestageError {
  if (error instanceof PrestageError) return error.within(context);
  const system = systemError(error);
  if (system) return fromErrno(system, context);
  const message = error instanceof Error ? error.message : String(error);
  return new PrestageError('INTERNAL', message, {
    hint: 'This is a defect of Prestage. Run again with --verbose and report what it prints.',
    context,
    cause: error,
  });
}

/** The errno name of a system error (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  return systemError(error)?.code;
}

interface SystemError extends HeldError {
  code: string;
  syscall: string;
  path?: string;
}

function systemError(error: unknown): SystemError | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined;
  const system = error as SystemError & { errno?: number };
  if (UNNAMED.test(system.code)) system.code = errnoName(-(system.errno ?? 0)) ?? system.code;
  return system;
}

/** What libuv calls an errno that it has no name for, from a callback and from a call that waits. */
const UNNAMED = /^(Unknown system error|UNKNOWN$)/;

/** Some of those are what network file systems answer: ESTALE, EDQUOT. */
function errnoName(errno: number): string | undefined {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0];
}

function fromErrno(error: SystemError, context: ErrorContext): PrestageError {
  if (error.syscall === 'uv_cwd') {
    return new PrestageError('USAGE', `The working folder does not exist any more (${error.code}).`, {
      hint: 'Change to a folder that is there (`cd`), and run the same command again.',
      cause: error,
    });
  }
  const path = error.path ?? context.path;
  const at = path === undefined ? '' : ` at ${path}`;
  const details = { context: { ...context, ...(path === undefined ? {} : { path }), errno: error.code }, cause: error };
  if (error.heldForMs !== undefined) {
    const seconds = Math.round(error.heldForMs / 1000);
    return new PrestageError(
      'STORE_UNWRITABLE',
      `Windows still refuses what was tried${at}, after ${seconds} seconds (${error.code} from ${error.syscall}).`,
      {
        ...details,
        hint: 'Another program has it open, or something in it: an editor, a terminal in that folder, a virus scanner. Close it (the Resource Monitor says which one it is), or check your rights to that path and its read-only attribute; then run the same command again: finished work is kept.',
      },
    );
  }
  switch (error.code) {
    case 'ENOSPC':
      return new PrestageError('DISK_FULL', `No space left${at} (${error.code} from ${error.syscall}).`, {
        ...details,
        hint: 'Free space there (`prestage prune` removes old releases) or enlarge the file system, then run the same command again.',
      });
    case 'EDQUOT':
      return new PrestageError('DISK_FULL', `The quota is used up${at} (${error.code} from ${error.syscall}).`, {
        ...details,
        hint: 'Free space there (`prestage prune` removes old releases) or have the quota of this user raised, then run the same command again.',
      });
    case 'ESTALE':
      return new PrestageError('STORE_IO', `The file handle is stale${at} (${error.code} from ${error.syscall}).`, {
        ...details,
        hint: 'The server has replaced what this machine had mounted. Unmount the file system and mount it again, then run the same command again: finished work is kept.',
      });
    case 'EMFILE':
    case 'ENFILE':
      return new PrestageError('STORE_IO', `Too many files are open${at} (${error.code} from ${error.syscall}).`, {
        ...details,
        hint: 'Raise the limit of open files (`ulimit -n`, or LimitNOFILE= of a systemd unit) to 1024 or more, then run the same command again: finished work is kept.',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new PrestageError('STORE_UNWRITABLE', `Not allowed${at} (${error.code} from ${error.syscall}).`, {
        ...details,
        hint: 'Check the owner and mode of that path and how its file system is mounted, then run the same command again.',
      });
    default:
      return new PrestageError('STORE_IO', `The file system failed${at} (${error.code} from ${error.syscall}).`, {
        ...details,
        hint: 'Check that the file system is mounted and healthy, then run the same command again: finished work is kept.',
      });
  }
}

/** `https://user:secret@host/x?signature=…` without what must not be read by others. */
export function withoutCredentials(text: string): string {
  return text.replace(
    /\b(\w[\w+.-]*:\/\/)([^\s/@'"]+@)?([^\s'"?#]*)(\?[^\s'"]*)?/g,
    (_, scheme, user, rest, query) => `${scheme}${user ? '***@' : ''}${rest}${query ? '?***' : ''}`,
  );
}

function cleaned(context: ErrorContext): ErrorContext {
  const entries = Object.entries(context).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? withoutCredentials(value) : value]),
  );
}
