import { request as ask, createServer } from 'node:http';
import { connect } from 'node:net';
import { listen } from './http-server.js';

export interface ProxyServer {
  /** `127.0.0.1:<port>` */
  address: string;
  /** What it was asked for: `GET http://host/path` or `CONNECT host:443`. */
  asked: string[];
  /** The credentials of each request. */
  credentials: (string | undefined)[];
}

/**
 * A proxy until the test ends: tunnels for https, requests passed on for http. Wherever they are for, they go to
 * `upstream` where that is given. `refusal` (`403 Forbidden`) is its answer to every tunnel.
 */
export async function proxyServer({
  refusal,
  upstream,
}: {
  refusal?: string;
  upstream?: string;
} = {}): Promise<ProxyServer> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    credentials.push(request.headers['proxy-authorization']);
    const wanted = new URL(request.url ?? '');
    const { hostname, port } = upstream === undefined ? wanted : new URL(`http://${upstream}`);
    const { method, headers } = request;
    const passed = ask({ hostname, port, path: wanted.pathname + wanted.search, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.writeHead(502).end());
    request.pipe(passed);
  });
  server.on('connect', (request, client) => {
    asked.push(`CONNECT ${request.url}`);
    credentials.push(request.headers['proxy-authorization']);
    if (refusal !== undefined) return client.end(`HTTP/1.1 ${refusal}\r\ncontent-length: 0\r\n\r\n`);
    const { hostname, port } = new URL(`http://${upstream ?? request.url}`);
    const tunnel = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      tunnel.pipe(client).pipe(tunnel);
    });
    for (const each of [client, tunnel]) each.on('error', () => [client, tunnel].map((one) => one.destroy()));
    return tunnel;
  });
  return { address: await listen(server), asked, credentials };
}
