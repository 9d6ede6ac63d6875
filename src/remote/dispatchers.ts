import { AssertionError } from 'node:assert';
import type { Socket } from 'node:net';
// A CommonJS module in a chunk of its own has only its default export.
import undici, { type Dispatcher } from 'undici';
import type { ProxyServer } from './proxy.js';
import { ProxyFailure } from './proxy-failure.js';
import type { TlsMaterial } from './tls-material.js';

const { Agent, buildConnector, Pool, ProxyAgent } = undici;
type Connect = ReturnType<typeof buildConnector>;

const CONNECT_TIMEOUT_MS = 15_000;
/** A proxy is near, and its absence must be told of soon. */
const PROXY_TIMEOUT_MS = 5_000;

/**
 * undici's pools of connections: the direct ones, those through each proxy, and of both those that begin with a server's own
 * certificates. A pool is never shared by two of them.
 */
export class Dispatchers {
  readonly #timeouts: { headersTimeout: number; bodyTimeout: number };
  readonly #opened = new Map<string, Dispatcher>();

  /** `stallTimeoutMs`: a connection that gives nothing for so long is as good as dropped. */
  constructor(stallTimeoutMs: number) {
    this.#timeouts = { headersTimeout: stallTimeoutMs, bodyTimeout: stallTimeoutMs };
  }

  through(proxy: ProxyServer | undefined, tls: TlsMaterial = {}): Dispatcher {
    const key = JSON.stringify([proxy?.origin, proxy?.authorization, tls.ca, tls.cert, tls.key]);
    const dispatcher = this.#opened.get(key) ?? (proxy ? this.#openProxied(proxy, tls) : this.#openDirect(tls));
    this.#opened.set(key, dispatcher);
    return dispatcher;
  }

  /** Ends all connections at once, also those in use. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((each) => each.destroy()));
  }

  #openDirect(tls: TlsMaterial): Dispatcher {
    const timeout = Math.min(CONNECT_TIMEOUT_MS, this.#timeouts.headersTimeout);
    return new Agent({ ...this.#timeouts, connect: endingSafely(buildConnector({ ...tls, timeout })) });
  }

  #openProxied(proxy: ProxyServer, tls: TlsMaterial): Dispatcher {
    const timeout = Math.min(PROXY_TIMEOUT_MS, this.#timeouts.headersTimeout);
    const toProxy = namingProxy(proxy, endingSafely(buildConnector({ timeout })));
    const isProxy = (origin: string | URL) => new URL(origin).origin === new URL(proxy.origin).origin;
    return new ProxyAgent({
      uri: proxy.origin,
      ...(proxy.authorization === undefined ? {} : { token: proxy.authorization }),
      ...this.#timeouts,
      requestTls: tls,
      // As curl does it: CONNECT only for https, since many proxies refuse a tunnel to port 80.
      proxyTunnel: false,
      clientFactory: (origin) => new Pool(origin, { ...this.#timeouts, connect: toProxy }),
      // For http the limit is the proxy's; for https each server's, whose connections come through a tunnel.
      factory: (origin, options) => {
        const { connect } = options as { connect: Connect };
        const inTunnel = { ...this.#timeouts, ...options, connect: endingSafely(connect) };
        return new Pool(origin, isProxy(origin) ? { ...this.#timeouts, connect: toProxy } : inTunnel);
      },
    });
  }
}

function namingProxy(proxy: ProxyServer, connect: Connect): Connect {
  return (options, callback) =>
    connect(options, (error, socket) =>
      error === null ? callback(null, socket) : callback(new ProxyFailure(proxy, error), null),
    );
}

/**
 * undici 7 asserts, where nobody can catch it, that nothing waits to be read when a server ends its connection (its issue
 * 5360, fixed in 8). Here that is a dropped connection: what was not read yet is asked for again.
 */
function endingSafely(connect: Connect): Connect {
  return (options, callback) =>
    connect(options, (error, socket) => (error === null ? callback(null, guarded(socket)) : callback(error, null)));
}

function guarded<T extends Socket>(socket: T): T {
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
