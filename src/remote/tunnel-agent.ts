import { request } from 'node:http';
import { Agent, type AgentOptions, request as secureRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ProxyServer, proxyFor } from './proxy.js';
import { ProxyFailure } from './proxy-failure.js';

const PROXY_TIMEOUT_MS = 5_000;

type Created = (error: Error | null, stream: Duplex) => void;

/**
 * Connections of Node's own https client, through the proxies of the environment (proxy.ts). The AWS SDK reads no proxy variables
 * and brings agents of its own, so that NODE_USE_ENV_PROXY does not help either.
 */
export class TunnelAgent extends Agent {
  override createConnection(options: AgentOptions & { host?: string }, created: Created): Duplex | null | undefined {
    const { host = 'localhost', port = 443 } = options;
    const server = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
    const proxy = proxyFor(server, process.env);
    if (proxy === undefined) return super.createConnection(options, created);
    openTunnel(proxy, `${server.hostname}:${port}`).then(
      (socket) => created(null, super.createConnection({ ...options, socket } as AgentOptions, () => {}) as Duplex),
      (error: Error) => created(error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}

/** CONNECT (RFC 9110, section 9.3.6). @throws ProxyFailure */
function openTunnel(proxy: ProxyServer, authority: string): Promise<Socket> {
  const { origin, authorization } = proxy;
  const ask = origin.startsWith('https:') ? secureRequest : request;
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new ProxyFailure(proxy, error));
    const headers = {
      host: authority,
      ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
    };
    const asked = ask(origin, { method: 'CONNECT', path: authority, headers, agent: false, timeout: PROXY_TIMEOUT_MS });
    asked.on('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) return resolve(socket.setTimeout(0));
      socket.destroy();
      // The words of undici, by which what a proxy answered is known.
      return fail(new Error(`Proxy response (${statusCode}) !== 200 when HTTP Tunneling`));
    });
    asked.on('timeout', () => asked.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    asked.on('error', fail);
    asked.end();
  });
}
