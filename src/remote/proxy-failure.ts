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

/** What it means for the file that was asked for, with the proxy by name. */
export function failureOfProxy(url: string, { proxy, cause, message }: ProxyFailure): PrestageError {
  const { origin, variable } = proxy;
  const named = `the proxy ${origin} (${variable})`;
  const context = { url, proxy: origin };
  const status = cause instanceof Error ? answerOf(cause) : undefined;
  if (status === undefined || status >= 500) {
    const code = codeOf(cause);
    const what = status === undefined ? reasonOf(code, message) : `answered ${status}`;
    return new Attempt(`${url} could not be fetched: ${named} ${what}.`, {
      hint: `Check that the proxy runs and that ${variable} has its address. A host that is reached without it is named in NO_PROXY.`,
      context: {
        ...context,
        ...(code === undefined ? {} : { errno: code }),
        ...(status === undefined ? {} : { status }),
      },
      cause,
      maxFailures: PATIENCE,
    });
  }
  const wanted = status === 407 ? ' (the proxy wants credentials)' : status === 403 ? ' (forbidden)' : '';
  return new PrestageError('SOURCE_REFUSED', `${url} could not be fetched: ${named} answered ${status}${wanted}.`, {
    hint:
      status === 407
        ? `Put credentials for the proxy into ${variable} (http://user:password@proxy:port).`
        : 'Ask who runs the proxy to let this address through, or name its host in NO_PROXY if it is reached without.',
    context: { ...context, status },
    cause,
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
