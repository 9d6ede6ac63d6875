import type { Dispatcher } from 'undici';
import { PrestageError } from '../core/errors.js';
import type { ServerAccess } from '../core/server-access.js';
import type { Dispatchers } from './dispatchers.js';
import { type Login, loginFor, loginOfUrl } from './login.js';
import { proxyFor } from './proxy.js';
import { ofProxy } from './proxy-failure.js';
import { type TlsMaterial, tlsMaterial } from './tls-material.js';

/** The connections of one preparation, through the proxies of the environment (proxy.ts). */
export class HttpClient {
  readonly #stallTimeoutMs: number;
  #dispatchers: Promise<Dispatchers> | undefined;

  /** `stallTimeoutMs`: a connection that gives nothing for so long is as good as dropped. */
  constructor({ stallTimeoutMs = 30_000 }: { stallTimeoutMs?: number } = {}) {
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /**
   * One request, with redirects followed; the body is the caller's to read or to destroy. `access` is for the server of `url`
   * alone, by its host and port: a redirect away from it goes without, also where it leads back.
   * @throws SOURCE_REFUSED for redirects that lead nowhere or out of https; LOGIN_SETTINGS; else what undici throws.
   */
  async request(
    method: 'GET' | 'HEAD',
    url: string,
    headers: Record<string, string>,
    signal: AbortSignal,
    access?: ServerAccess,
    /** Instead of what the address, `access` and `.netrc` say. */
    given?: { login: Login | undefined },
  ): Promise<HttpResponse> {
    const seen = new Set<string>();
    let location = new URL(url);
    let login = given === undefined ? await loginFor(location, access) : given.login;
    let tls = await tlsMaterial(access);
    for (;;) {
      seen.add(location.href);
      const { origin, pathname, search } = location;
      const response = await this.send(
        { method, origin, path: pathname + search, headers: { ...headerOf(login), ...headers }, tls },
        signal,
      );
      const target = redirectTarget(response);
      if (target === undefined) return { ...response, asked: { server: location.host, login: login?.says } };
      await discard(response.body);
      const next = followable(location, target, seen);
      const stays = next.origin === location.origin;
      login = loginOfUrl(next) ?? (stays ? login : undefined);
      tls = stays ? tls : undefined;
      location = next;
    }
  }

  /** One request, and its answer whatever it is: one that is signed is for one server alone. @throws PROXY_SETTINGS; else what undici throws */
  async send({ headers, tls, ...request }: SingleRequest, signal: AbortSignal): Promise<HttpResponse> {
    const proxy = proxyFor(new URL(request.origin), process.env);
    this.#dispatchers ??= openDispatchers(this.#stallTimeoutMs);
    const dispatcher = (await this.#dispatchers).through(proxy, tls);
    const sent = dispatcher.request({
      ...request,
      headers: {
        // A digest is of the bytes as they are, so no compression on the way (RFC 9110, section 12.5.3).
        'accept-encoding': 'identity',
        'user-agent': 'prestage',
        ...headers,
      },
      signal,
    });
    const response = await sent.catch((error: unknown) => {
      throw (proxy && ofProxy(proxy, error)) ?? error;
    });
    // A body that is destroyed unread says so by an error event; who reads it gets errors anyway.
    response.body.on('error', () => {});
    return { status: response.statusCode, header: (name) => single(response.headers[name]), body: response.body };
  }

  /** Ends all connections at once, also those in use. */
  async close(): Promise<void> {
    await (await this.#dispatchers)?.destroy();
  }
}

/** undici is as much code as all the rest, so it is loaded by the first request: most deployments make none. */
async function openDispatchers(stallTimeoutMs: number): Promise<Dispatchers> {
  const { Dispatchers } = await import('./dispatchers.js');
  return new Dispatchers(stallTimeoutMs);
}

export type HttpMethod = 'GET' | 'HEAD' | 'PUT' | 'DELETE';

interface SingleRequest {
  method: HttpMethod;
  origin: string;
  /** With its query, encoded; sent as it is. */
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array;
  tls?: TlsMaterial | undefined;
}

export interface HttpResponse {
  status: number;
  header(name: string): string | undefined;
  body: Dispatcher.ResponseData['body'];
  /** Which server answered at last, and by which login it was asked, in words. */
  asked?: { server: string; login: string | undefined };
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

function headerOf(login: Login | undefined): Record<string, string> {
  return login === undefined ? {} : { [login.header]: login.value };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
