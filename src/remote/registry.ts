import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { PrestageError } from '../core/errors.js';
import type { ServerAccess } from '../core/server-access.js';
import { dockerLogin } from './docker-config.js';
import { discard, type HttpClient, type HttpResponse } from './http-client.js';
import { failureOfStatus } from './http-failure.js';
import { type Login, loginFor } from './login.js';

export interface RegistryRequest {
  method: 'GET' | 'HEAD';
  registry: string;
  repository: string;
  /** `manifests/<tag or digest>` or `blobs/<digest>` */
  what: string;
  headers: Record<string, string>;
  access: ServerAccess | undefined;
}

/** Registries of the OCI distribution specification: each asked as it wants it, by tokens that its own server gives out. */
export class Registries {
  readonly #client: HttpClient;
  /** By registry and repository: what was accepted last. */
  readonly #logins = new Map<string, Login>();

  constructor(client: HttpClient) {
    this.#client = client;
  }

  /** One request, and its answer whatever it is. A token that expired is renewed, once. @throws LOGIN_SETTINGS, SOURCE_REFUSED; else what undici throws */
  async request(asked: RegistryRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { method, registry, repository, what, headers, access } = asked;
    const key = `${registry}/${repository}`;
    const origin = originOf(registry, access);
    const url = `${origin}/v2/${repository}/${what}`;
    const login = this.#logins.get(key);
    const first = await this.#client.request(method, url, headers, signal, access, { login });
    const challenge = first.status === 401 && first.asked?.server === new URL(url).host && challengeOf(first);
    if (!challenge) return first;
    await discard(first.body);
    const answer = await this.#answer(challenge, asked, signal);
    if (answer === undefined || answer.value === login?.value) return first;
    this.#logins.set(key, answer);
    return this.#client.request(method, url, headers, signal, access, { login: answer });
  }

  async #answer(challenge: Challenge, asked: RegistryRequest, signal: AbortSignal): Promise<Login | undefined> {
    const { registry, access } = asked;
    const isPrivate = originOf(registry, access).startsWith('https:');
    const login = isPrivate
      ? ((await loginFor(new URL(`https://${registry}`), access)) ?? (await dockerLogin(registry)))
      : undefined;
    const isToken = login !== undefined && !login.value.startsWith('Basic ');
    return isToken || challenge.scheme === 'basic' ? login : this.#token(challenge, login, asked, signal);
  }

  /** The "Token Authentication Specification" of the reference registry, which all others follow. */
  async #token(
    { realm, service, scope }: Challenge,
    login: Login | undefined,
    { registry, repository, access }: RegistryRequest,
    signal: AbortSignal,
  ): Promise<Login> {
    if (realm === undefined || !URL.canParse(realm)) throw noRealm(registry, realm);
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', scope ?? `repository:${repository}:pull`);
    // Who is the registry's server for tokens, the registry says; no password goes there without TLS.
    const sent = url.protocol === 'https:' ? login : undefined;
    const own = url.host === registry ? access : undefined;
    const response = await this.#client.request('GET', url.href, {}, signal, own, { login: sent });
    if (response.status !== 200) {
      await discard(response.body);
      throw failureOfStatus(`${url.origin}${url.pathname}`, response);
    }
    const { token, access_token: other } = tokenAnswer.parse(JSON.parse(await text(response.body)));
    const says = `a token of ${url.host} for ${sent === undefined ? 'anyone' : sent.says}`;
    return { header: 'authorization', value: `Bearer ${token ?? other}`, says };
  }
}

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** Docker's own name is that of its old index. A registry of this machine speaks http, unless something is set for it. */
function originOf(registry: string, access: ServerAccess | undefined): string {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const isHere = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
  return `${isHere && access === undefined ? 'http' : 'https'}://${host}`;
}

interface Challenge {
  scheme: 'basic' | 'bearer';
  realm?: string | undefined;
  service?: string | undefined;
  scope?: string | undefined;
}

/** RFC 9110, section 11.6.1: a scheme, and parameters in quotes. */
function challengeOf(response: HttpResponse): Challenge | undefined {
  const [, scheme = '', rest = ''] =
    /^\s*(basic|bearer)\s+(.*)$/is.exec(response.header('www-authenticate') ?? '') ?? [];
  if (scheme === '') return undefined;
  const parameters = new Map([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
  return {
    scheme: scheme.toLowerCase() as Challenge['scheme'],
    realm: parameters.get('realm'),
    service: parameters.get('service'),
    scope: parameters.get('scope'),
  };
}

function noRealm(registry: string, found: string | undefined): PrestageError {
  return new PrestageError('SOURCE_REFUSED', `${registry} wants a token, and does not say where there are any.`, {
    hint: 'Ask the owner of the registry: its WWW-Authenticate names no server.',
    context: { server: registry, ...(found === undefined ? {} : { found }) },
  });
}
