import { PrestageError } from '../core/errors.js';
import { Attempt } from './attempt.js';
import type { ProxyServer } from './proxy.js';

/** What went wrong between this machine and a proxy, or what the proxy said no to. */
export class ProxyFailure extends Error {
  readonly proxy: ProxyServer;

  constructor(proxy: ProxyServer, cause: Error) {
    super(cause.message, { cause });
    this.proxy = proxy;
  }
}

/** Undefined where an error has nothing to do with the proxy. undici tells its answers by messages alone. */
export function ofProxy(proxy: ProxyServer, error: unknown): ProxyFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof ProxyFailure) return error;
  return answerOf(error) === undefined ? ofProxy(proxy, error.cause) : new ProxyFailure(proxy, error);
}

function answerOf({ message }: Error): number | undefined {
  const answered =
    /^Proxy response \((\d{3})\)/.exec(message) ?? /^Proxy Authentication Required \((407)\)/.exec(message);
  return answered === null ? undefined : Number(answered[1]);
}

/** A proxy that was just restarted answers within a second; one that is not there must be told of soon. */
const PATIENCE = 3;

/** In words: what is wrong, and what to do about it. `status`: what the proxy answered, if it did. */
export function describeProxyFailure({ proxy, cause, message }: ProxyFailure): {
  what: string;
  hint: string;
  status: number | undefined;
  errno: string | undefined;
} {
  const { origin, variable } = proxy;
  const status = cause instanceof Error ? answerOf(cause) : undefined;
  const errno = codeOf(cause);
  const named = `the proxy ${origin} (${variable})`;
  if (status === undefined || status >= 500) {
    const what = status === undefined ? reasonOf(errno, message) : `answered ${status}`;
    const hint = `Check that the proxy runs and that ${variable} has its address. A host that is reached without it is named in NO_PROXY.`;
    return { what: `${named} ${what}`, hint, status, errno };
  }
  const wanted = status === 407 ? ' (the proxy wants credentials)' : status === 403 ? ' (forbidden)' : '';
  const hint =
    status === 407
      ? `Put credentials for the proxy into ${variable} (user:password@host:port).`
      : 'Ask the administrator of the proxy to let this address through, or name its host in NO_PROXY if it is reached without.';
  return { what: `${named} answered ${status}${wanted}`, hint, status, errno };
}

/** What it means for the file that was asked for, with the proxy by name. */
export function failureOfProxy(url: string, failure: ProxyFailure): PrestageError {
  const { what, hint, status, errno } = describeProxyFailure(failure);
  const message = `${url} could not be fetched: ${what}.`;
  const context = { url, proxy: failure.proxy.origin, ...(status === undefined ? {} : { status }) };
  const { cause } = failure;
  if (status !== undefined && status < 500)
    return new PrestageError('SOURCE_REFUSED', message, { hint, context, cause });
  return new Attempt(message, {
    hint,
    context: { ...context, ...(errno === undefined ? {} : { errno }) },
    cause,
    maxFailures: PATIENCE,
  });
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : codeOf(error.cause);
}

function reasonOf(code: string | undefined, message: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused the connection';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'has a host name that is not known here';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'does not answer';
    default:
      return `could not be reached (${code ?? message})`;
  }
}
