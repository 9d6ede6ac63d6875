import { AssertionError } from 'node:assert';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { PrestageError } from '../core/errors.js';
import { percentDecoded } from '../core/percent-decoded.js';

/** The connections of one preparation. Proxies are those of the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY. */
export class HttpClient {
  readonly #stallTimeoutMs: number;
  #dispatcher: Promise<Dispatcher> | undefined;

  /** `stallTimeoutMs`: a connection that gives nothing for so long is as good as dropped. */
  constructor({ stallTimeoutMs = 30_000 }: { stallTimeoutMs?: number } = {}) {
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /**
   * One request, with redirects followed; the body is the caller's to read or to destroy.
   * @throws SOURCE_REFUSED for redirects that lead nowhere or out of https; else what undici throws.
   */
  async request(
    method: 'GET' | 'HEAD',
    url: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const seen = new Set<string>();
    let location = new URL(url);
    let authorization = basicAuthorization(location);
    for (;;) {
      seen.add(location.href);
      const { origin, pathname, search } = location;
      const credentials = authorization === undefined ? {} : { authorization };
      const response = await this.send(
        { method, origin, path: pathname + search, headers: { ...credentials, ...headers } },
        signal,
      );
      const target = redirectTarget(response);
      if (target === undefined) return response;
      await discard(response.body);
      const next = followable(location, target, seen);
      // Credentials are for the server that they were given for; another one gets only what its own URL says.
      authorization = basicAuthorization(next) ?? (next.origin === location.origin ? authorization : undefined);
      location = next;
    }
  }

  /** One request, and its answer whatever it is: one that is signed is for one server alone. @throws what undici throws */
  async send({ headers, ...request }: SingleRequest, signal: AbortSignal): Promise<HttpResponse> {
    this.#dispatcher ??= openDispatcher(this.#stallTimeoutMs);
    const dispatcher = await this.#dispatcher;
    const response = await dispatcher.request({
      ...request,
      headers: {
        // A digest is of the bytes as they are, so no compression on the way (RFC 9110, section 12.5.3).
        'accept-encoding': 'identity',
        'user-agent': 'prestage',
        ...headers,
      },
      signal,
    });
    // A body that is destroyed unread says so by an error event; who reads it gets errors anyway.
    response.body.on('error', () => {});
    return { status: response.statusCode, header: (name) => single(response.headers[name]), body: response.body };
  }

  /** Ends all connections at once, also those in use. */
  async close(): Promise<void> {
    await (await this.#dispatcher)?.destroy();
  }
}

/** undici is as much code as all the rest, so it is loaded by the first request: most deployments make none. */
async function openDispatcher(stallTimeoutMs: number): Promise<Dispatcher> {
  // Of a CommonJS module that was put into a chunk of its own, only the default is there.
  const { EnvHttpProxyAgent, buildConnector } = (await import('undici')).default;
  const connect = buildConnector({ timeout: Math.min(15_000, stallTimeoutMs) });
  return new EnvHttpProxyAgent({
    connect: (options, callback) =>
      connect(options, (error, socket) =>
        error === null ? callback(null, endingSafely(socket)) : callback(error, null),
      ),
    headersTimeout: stallTimeoutMs,
    bodyTimeout: stallTimeoutMs,
    // As curl does it: CONNECT only for https, since many proxies refuse a tunnel to port 80.
    proxyTunnel: false,
  });
}

export type HttpMethod = 'GET' | 'HEAD' | 'PUT' | 'DELETE';

interface SingleRequest {
  method: HttpMethod;
  origin: string;
  /** With its query, encoded; sent as it is. */
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array;
}

/**
 * undici 7 asserts, where nobody can catch it, that nothing waits to be read when a server ends its connection (its issue
 * 5360, mended in 8). Here that is a dropped connection: what was not read yet is asked for again.
 */
function endingSafely<T extends Socket>(socket: T): T {
  const emit = socket.emit;
  socket.emit = function (this: T, event: string | symbol, ...args: unknown[]) {
    try {
      return Reflect.apply(emit, this, [event, ...args]) as boolean;
    } catch (error) {
      if (event !== 'end' || !(error instanceof AssertionError)) throw error;
      socket.destroy(Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }));
      return true;
    }
  };
  return socket;
}

export interface HttpResponse {
  status: number;
  header(name: string): string | undefined;
  body: Dispatcher.ResponseData['body'];
}

/** Ends a response whose body nobody needs. A short one is read, so that its connection can be used again. */
export async function discard(body: HttpResponse['body']): Promise<void> {
  await body.dump({ limit: 64 * 1024 }).catch(() => {});
}

const MAX_REDIRECTS = 10;

function redirectTarget({ status, header }: HttpResponse): string | undefined {
  return [301, 302, 303, 307, 308].includes(status) ? header('location') : undefined;
}

function followable(from: URL, target: string, seen: ReadonlySet<string>): URL {
  const refuse = (why: string) =>
    new PrestageError('SOURCE_REFUSED', `${from.href} redirects to ${target}, ${why}.`, {
      hint: 'Name the address where the file really is as the source.',
      context: { url: from.href, found: target },
    });
  const next = URL.canParse(target, from.href) ? new URL(target, from.href) : undefined;
  if (next === undefined || !['https:', 'http:'].includes(next.protocol))
    throw refuse('which is not an http or https URL');
  if (from.protocol === 'https:' && next.protocol === 'http:') throw refuse('which would leave https');
  next.hash = '';
  if (seen.has(next.href)) throw refuse('where it came from: a loop');
  if (seen.size > MAX_REDIRECTS) throw refuse(`after ${MAX_REDIRECTS} redirects already`);
  return next;
}

function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const credentials = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`;
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
