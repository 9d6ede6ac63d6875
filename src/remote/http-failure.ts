import { PrestageError } from '../core/errors.js';
import { Attempt } from './attempt.js';
import type { HttpResponse } from './http-client.js';
import { failureOfProxy, ProxyFailure } from './proxy-failure.js';
import { failureOfTls } from './tls-failure.js';

/** What an answer other than the file means: try again (overload, a failing server), or never (it says no). */
export function failureOfStatus(url: string, response: Omit<HttpResponse, 'body'>): PrestageError {
  const { status } = response;
  const context = { url, status };
  if (status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505)) {
    return new Attempt(`${url} answered ${status}.`, {
      context,
      notBeforeMs: retryAfterMs(response.header('retry-after'), Date.now()),
      hint: 'The server is overloaded or failing. Run the same command again later; packages that are prepared are kept.',
    });
  }
  if ((status === 401 || status === 403) && response.asked !== undefined) return notLetIn(url, status, response.asked);
  return new PrestageError('SOURCE_REFUSED', `${url} answered ${status}${meaning(status)}.`, {
    context,
    hint: remedy(status),
  });
}

/** Who was asked, by which login, and what there is to do: the server says no more than that it will not. */
function notLetIn(url: string, status: number, { server, login }: NonNullable<HttpResponse['asked']>): PrestageError {
  const home = new URL(url).host;
  const sent = login ?? 'none';
  const away = server === home ? '' : ` It redirects to ${server}, where a login for ${home} is not sent.`;
  return new PrestageError(
    'SOURCE_REFUSED',
    `${url} answered ${status}${meaning(status)}.${away} The login that was sent to ${server}: ${sent}.`,
    { context: { url, status, server, login: sent }, hint: loginRemedy(server, status, login, server === home) },
  );
}

function loginRemedy(server: string, status: number, login: string | undefined, isHome: boolean): string {
  if (!isHome) return `Name the address at ${server} as the source, with a login for it, where it wants one.`;
  if (login === undefined)
    return `Put a line for ${server.replace(/:\d+$/, '')} into ~/.netrc (machine, login, password), or name a variable with a token in the configuration: servers: { '${server}': { auth: { fromEnv: REPO_TOKEN } } }. A signed URL may have expired.`;
  return status === 401
    ? `The server does not take ${login}: renew it if it has expired, or correct it.`
    : `The server knows the login, or takes none: ask its owner to let ${login} read this, and check the address.`;
}

/** What a broken connection means. Certificates do not heal by waiting; all else may. */
export function failureOfConnection(url: string, error: unknown): PrestageError {
  if (error instanceof PrestageError) return error;
  if (error instanceof ProxyFailure) return failureOfProxy(url, error);
  const code = errorCode(error);
  const context = { url, ...(code === undefined ? {} : { errno: code }) };
  const lasting = failureOfTls(url, code, error);
  if (lasting !== undefined) return lasting;
  return new Attempt(`${url} could not be fetched: ${plainReason(code, error)}.`, {
    hint: 'Check the address, the network and the proxy settings (HTTPS_PROXY, NO_PROXY), then run the same command again.',
    context,
    cause: error,
  });
}

/** RFC 9110, section 10.2.3: seconds, or a date. 0 where there is none or it is in the past. */
function retryAfterMs(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function meaning(status: number): string {
  const words: Record<number, string> = {
    400: ' (bad request)',
    401: ' (it wants credentials)',
    403: ' (forbidden)',
    404: ' (there is no such file)',
    407: ' (the proxy wants credentials)',
    410: ' (the file is gone)',
  };
  return words[status] ?? '';
}

function remedy(status: number): string {
  if (status === 401 || status === 403)
    return 'Check the credentials in the source, and whether a signed URL has expired.';
  if (status === 407)
    return 'Put credentials for the proxy into HTTPS_PROXY, or HTTP_PROXY for http (user:password@host:port).';
  return 'Check the source in the configuration: open its address with the same credentials.';
}

function plainReason(code: string | undefined, error: unknown): string {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name is not known here';
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'no connection in time';
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'no answer in time';
    case 'UND_ERR_BODY_TIMEOUT':
      return 'the transfer stalled';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return 'the connection was dropped';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  // Several addresses of one host, each refused.
  return error instanceof AggregateError ? errorCode(error.errors[0]) : errorCode(error.cause);
}
