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
  /** The configuration, and the line in it (from 1) that says what failed. */
  configFile?: string;
  configLine?: number;
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
  /** Where several things went wrong, each of them; see `asOneError`. */
  errors?: readonly PrestageError[];
}

/** How an error is written to `--json`, to a worker's result and to logs. */
export interface SerializedError {
  code: ErrorCode;
  message: string;
  hint?: string | undefined;
  context: ErrorContext;
  /** The same command may succeed when it is run again later. */
  retryable?: true | undefined;
  /** @internal Where in the code it came from: only from a worker to the command that follows it. */
  origin?: string[] | undefined;
  /** Where several things went wrong, each of them. */
  errors?: SerializedError[] | undefined;
}

/** The one error class: `message` says what failed and where, `hint` what to do. All of it loses its secrets. */
export class PrestageError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly context: ErrorContext;
  readonly retryable: boolean;
  /** Each of several errors; empty where this is one alone. */
  readonly errors: readonly PrestageError[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(withoutCredentials(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PrestageError';
    this.code = code;
    this.hint = details.hint === undefined ? undefined : withoutCredentials(details.hint);
    this.context = redacted(known(details.context ?? {}));
    this.retryable = details.retryable ?? false;
    this.errors = details.errors ?? [];
  }

  get exitStatus(): number {
    return ERRORS[this.code][0];
  }

  serialize(): SerializedError {
    const { code, message, hint, context, retryable, errors } = this;
    return {
      code,
      message,
      hint,
      context,
      ...(retryable ? { retryable } : {}),
      ...(errors.length === 0 ? {} : { errors: errors.map((error) => error.serialize()) }),
    };
  }

  /** @internal For another process of the same command: it can then say where in the code the error came from. */
  serializeWithOrigin(): SerializedError {
    const { errors } = this;
    return {
      ...this.serialize(),
      origin: originOf(this),
      ...(errors.length === 0 ? {} : { errors: errors.map((error) => error.serializeWithOrigin()) }),
    };
  }

  /** @internal */
  static deserialize({ code, message, hint, context, retryable, origin, errors = [] }: SerializedError): PrestageError {
    const error = new PrestageError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      context,
      retryable: retryable ?? false,
      errors: errors.map((one) => PrestageError.deserialize(one)),
    });
    return origin === undefined ? error : thrownAt(error, origin);
  }

  /** @internal The same error, with more of the place where it happened; what is already known is kept. */
  within(context: ErrorContext): PrestageError {
    const isNews = Object.keys(known(context)).some((name) => !(name in this.context));
    if (!isNews) return this;
    return this.with({
      context: { ...context, ...this.context },
      errors: this.errors.map((error) => error.within(context)),
    });
  }

  /** @internal The same error in other words. It was thrown where this one was. */
  with({
    message = this.message,
    hint = this.hint,
    context = this.context,
    errors = this.errors,
  }: Pick<ErrorDetails, 'context' | 'errors'> & { message?: string; hint?: string | undefined }): PrestageError {
    const { code, cause, retryable } = this;
    const error = new PrestageError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      context,
      cause,
      retryable,
      errors,
    });
    return thrownAt(error, framesOf(this));
  }
}

function thrownAt(error: PrestageError, frames: readonly string[]): PrestageError {
  error.stack = [`${error.name}: ${error.message}`, ...frames.map((frame) => `    ${frame.trim()}`)].join('\n');
  return error;
}

/** Several errors as one, which has the code, and so the exit status, of the first; one alone stays itself. */
export function asOneError(errors: readonly [PrestageError, ...PrestageError[]], details: ErrorDetails): PrestageError {
  const [first] = errors;
  if (errors.length === 1) return first;
  const list = errors.map(({ message }) => `- ${message.split('\n', 1)[0]}`);
  return new PrestageError(first.code, `${errors.length} errors:\n${list.join('\n')}`, { ...details, errors });
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

/** With a full stop, so that another sentence can follow. */
export function asSentence(text: string): string {
  return text.replace(/[.!?]?$/, (end) => end || '.');
}
