import { ERRORS, type ErrorCode } from './error-codes.js';
import { framesOf, originOf } from './error-origin.js';
import { redacted, withoutCredentials } from './redaction.js';
import { diagnosis, type SystemError, systemError } from './system-error.js';

export { ERRORS, type ErrorCode } from './error-codes.js';
export { withoutCredentials } from './redaction.js';
export { errnoOf } from './system-error.js';

/** Where something failed. Only what is known is set; secrets in it are hidden. */
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
  /** The same command may succeed when it is run again later. */
  retryable?: true | undefined;
  /** Where in the code it came from: only from a worker to the command that follows it. */
  origin?: string[] | undefined;
}

/** The one error class: `message` says what failed and where, `hint` what to do. All of it loses its secrets. */
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
    this.context = redacted(known(details.context ?? {}));
    this.retryable = details.retryable ?? false;
  }

  get exitStatus(): number {
    return ERRORS[this.code][0];
  }

  serialize(): SerializedError {
    const { code, message, hint, context, retryable } = this;
    return { code, message, hint, context, ...(retryable ? { retryable } : {}) };
  }

  /** For another process of the same command: it can then say where in the code the error came from. */
  serializeWithOrigin(): SerializedError {
    return { ...this.serialize(), origin: originOf(this) };
  }

  static deserialize({ code, message, hint, context, retryable, origin }: SerializedError): PrestageError {
    const error = new PrestageError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      context,
      retryable: retryable ?? false,
    });
    return origin === undefined ? error : thrownAt(error, origin);
  }

  /** The same error, with more of the place where it happened; what is already known is kept. */
  within(context: ErrorContext): PrestageError {
    const isNews = Object.keys(known(context)).some((name) => !(name in this.context));
    return isNews ? this.with({ context: { ...context, ...this.context } }) : this;
  }

  /** The same error in other words. It was thrown where this one was. */
  with({
    message = this.message,
    context = this.context,
  }: {
    message?: string;
    context?: ErrorContext;
  }): PrestageError {
    const { code, hint, cause, retryable } = this;
    const error = new PrestageError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      context,
      cause,
      retryable,
    });
    return thrownAt(error, framesOf(this));
  }
}

function thrownAt(error: PrestageError, frames: readonly string[]): PrestageError {
  error.stack = [`${error.name}: ${error.message}`, ...frames.map((frame) => `    ${frame.trim()}`)].join('\n');
  return error;
}

/** Anything thrown, as a PrestageError: system errors by their errno, the rest as `INTERNAL`. */
export function asPrestageError(error: unknown, context: ErrorContext = {}): PrestageError {
  if (error instanceof PrestageError) return error.within(context);
  const system = systemError(error);
  if (system) return fromSystem(system, context);
  const message = error instanceof Error ? error.message : String(error);
  return new PrestageError('INTERNAL', message, {
    hint: 'This is a defect of Prestage. Run again with --verbose and report what it prints.',
    context,
    cause: error,
  });
}

function fromSystem(error: SystemError, context: ErrorContext): PrestageError {
  if (error.syscall === 'uv_cwd') {
    return new PrestageError('USAGE', `The working folder does not exist any more (${error.code}).`, {
      hint: 'Change to a folder that is there (`cd`), and run the same command again.',
      cause: error,
    });
  }
  const path = error.path ?? context.path;
  const { code, message, hint } = diagnosis(error, path);
  const place = path === undefined ? {} : { path };
  return new PrestageError(code, message, { hint, context: { ...context, ...place, errno: error.code }, cause: error });
}

function known(context: ErrorContext): ErrorContext {
  return Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
}
