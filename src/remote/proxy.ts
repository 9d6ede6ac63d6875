import { BlockList, isIP } from 'node:net';
import { PrestageError } from '../core/errors.js';
import { percentDecoded } from '../core/percent-decoded.js';

/** A proxy that the environment names. */
export interface ProxyServer {
  /** `http://proxy:3128`, without credentials. */
  origin: string;
  /** For the header Proxy-Authorization. */
  authorization: string | undefined;
  /** The variable that names it, for messages. */
  variable: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a server, by the variables and the rules of curl (curl(1), ENVIRONMENT): `https_proxy` for https,
 * `http_proxy` for http, else `all_proxy`; the lower case first, an empty value as none. Two things are read that curl
 * does not read: `HTTP_PROXY` in upper case, which is dangerous in a CGI program alone, and a port in `NO_PROXY`.
 * @throws PROXY_SETTINGS
 */
export function proxyFor(server: URL, env: Environment): ProxyServer | undefined {
  const scheme = server.protocol.slice(0, -1);
  const variable = [`${scheme}_proxy`, 'all_proxy']
    .flatMap((name) => [name, name.toUpperCase()])
    .find((name) => env[name]);
  if (variable === undefined || isExcepted(server, env.no_proxy || env.NO_PROXY || '')) return undefined;
  return parseProxy(env[variable] ?? '', variable);
}

/** curl's ports where none is written. URL drops the usual port of a scheme, so the text is looked at as well. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '1080', 'https:': '443' };

function parseProxy(value: string, variable: string): ProxyServer {
  const [, scheme = 'http', rest = ''] = /^(?:([a-z][a-z\d+.-]*):\/\/)?(.*)$/is.exec(value.trim()) ?? [];
  const url = URL.canParse(`${scheme}://${rest}`) ? new URL(`${scheme}://${rest}`) : undefined;
  if (url === undefined || url.hostname === '') throw unusable(variable, value, 'is not the address of a proxy');
  const { protocol, hostname, username, password } = url;
  const usualPort = DEFAULT_PORTS[protocol];
  if (usualPort === undefined)
    throw unusable(variable, value, `names a proxy that speaks ${scheme}; only http and https can be used`);
  // `http//proxy` is a host called http to URL and to curl, which drops the rest: a typing error that would be tried for long.
  if (/^\/|[?#]/.test(rest) || url.pathname !== '/')
    throw unusable(variable, value, 'is not the address of a proxy: more than a host and a port is in it');
  const port = url.port || (/:\d+\/?$/.test(rest) ? (protocol === 'http:' ? '80' : '443') : usualPort);
  const credentials = `${percentDecoded(username)}:${percentDecoded(password)}`;
  return {
    origin: `${protocol}//${hostname}:${port}`,
    authorization:
      username === '' && password === '' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
    variable,
  };
}

function unusable(variable: string, value: string, why: string): PrestageError {
  // No example with a scheme and a password: it would be hidden like one that is meant.
  const expected = 'host:port, with user:password@ before it where the proxy wants them';
  const shown = value.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1***@');
  return new PrestageError('PROXY_SETTINGS', `${variable} in the environment ${why}.`, {
    hint: `Correct it, such as ${variable}=proxy.internal:3128, or unset it. https:// before it means a proxy that speaks TLS.`,
    context: { variable, expected, found: shown },
  });
}

function isExcepted(server: URL, list: string): boolean {
  if (list.trim() === '*') return true;
  const host = server.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .some((entry) => (isIP(host) ? coversAddress(entry, host, port) : coversName(entry, host, port)));
}

/** `example.com` and `.example.com` cover the name itself and what ends with `.example.com`. */
function coversName(entry: string, host: string, port: string): boolean {
  const [, name = '', onlyPort = port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const plain = name.replace(/^\*?\./, '').replace(/\.$/, '');
  return onlyPort === port && (host === plain || host.endsWith(`.${plain}`));
}

/** `10.0.0.0/8`, `10.1.2.3`, `[::1]` and `::1`. */
function coversAddress(entry: string, host: string, port: string): boolean {
  const [, bracketed, v4, onlyPort = port] = /^(?:\[(.+)\]|([\d.]+))(?::(\d+))?$/.exec(entry) ?? [];
  const [address = '', bits] = (bracketed ?? v4 ?? entry).split('/');
  const version = isIP(address);
  if (version === 0 || version !== isIP(host) || onlyPort !== port) return false;
  const length = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? length : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > length) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(address, prefix, family);
  return block.check(host, family);
}
