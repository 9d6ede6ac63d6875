import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { readProc } from '../../../core/process-identity.js';
import { markOf, processIds } from '../processes/marked.js';

/** Whether somebody listens on a loopback port, or the port may not be listened on; undefined where it is free. */
export async function portTrouble(port: number): Promise<'taken' | 'forbidden' | undefined> {
  // Elsewhere than on Linux, an address can be bound beside a listener on all addresses: so ask for an answer as well.
  return (await accepts(port)) ? 'taken' : bindTrouble(port);
}

/** Whether a connection to a loopback port is accepted. */
export function accepts(port: number, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

function bindTrouble(port: number): Promise<'taken' | 'forbidden' | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES' ? 'forbidden' : 'taken'));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

export interface PortHolder {
  pid: number;
  command: string;
  /** `<root's id>/<host>`, where it is a process of a host. */
  mark: string | undefined;
}

/** Who listens on a port, as far as /proc lets us see: Linux, and processes of our own user unless we are root. */
export function portHolders(port: number): PortHolder[] {
  if (process.platform !== 'linux') return [];
  const sockets = listeningSockets(port);
  if (sockets.size === 0) return [];
  return processIds()
    .filter((pid) => socketsOf(pid).some((socket) => sockets.has(socket)))
    .map((pid) => ({ pid, command: readProc(`${pid}/comm`)?.trim() ?? 'unknown', mark: markOf(pid) }));
}

/**
 * Whether nobody listens on a port, and connections of who did linger there (TIME_WAIT and the states before): a program
 * that does not set SO_REUSEADDR may not listen then. Seen on Linux only; we cannot try, because Node always sets it.
 */
export function isLingering(port: number): boolean {
  if (process.platform !== 'linux') return false;
  const states = socketsAt(port).map(({ state }) => state);
  return states.length > 0 && !states.includes(LISTENS);
}

/** `socket:[inode]` of each listener on the port. */
function listeningSockets(port: number): Set<string> {
  const listeners = socketsAt(port).filter(({ state }) => state === LISTENS);
  return new Set(listeners.map(({ inode }) => `socket:[${inode}]`));
}

const LISTENS = '0A';

/** The sockets whose own end is at a port, from the tables of proc_net_tcp. */
function socketsAt(port: number): { state: string | undefined; inode: string | undefined }[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['net/tcp', 'net/tcp6'].flatMap((table) => (readProc(table) ?? '').split('\n').slice(1));
  const fields = rows.map((row) => row.trim().split(/\s+/));
  return fields.filter((row) => row[1]?.endsWith(suffix)).map((row) => ({ state: row[3], inode: row[9] }));
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}
