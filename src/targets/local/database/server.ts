import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync, realpathSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrestageError } from '../../../core/errors.js';
import { rm } from '../../../core/held-files.js';
import {
  identify,
  isRunning,
  type ProcessIdentity,
  readProc,
  signalProcess,
  statField,
} from '../../../core/process-identity.js';
import { lastLines } from '../hosts/log-tail.js';
import { stuckError } from '../hosts/stop.js';
import { untilEnded } from '../processes/ended.js';
import { MARK, processIds } from '../processes/marked.js';
import { type Cluster, programCall } from './cluster.js';

const START_LIMIT_MS = 60_000;
/** How long a killed server may take to be gone, or to be reaped. */
const LOCK_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 30_000;

export interface RunningServer {
  process: ProcessIdentity;
  port: number;
  ready: boolean;
}

/** The server that runs on a data directory, from its own postmaster.pid; undefined where none does. */
export async function findServer(data: string): Promise<RunningServer | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const process = identify(Number.parseInt(lines[0] ?? '', 10));
  if (!process || !isServerOf(process.pid, data)) return undefined;
  // The file's lines are documented in PostgreSQL's miscadmin.h: 4 is the port, 8 the status.
  return { process, port: Number.parseInt(lines[3] ?? '', 10), ready: lines[7]?.trim() === 'ready' };
}

/** After a crash the file is still there, and its pid may be another program's. */
function isServerOf(pid: number, data: string): boolean {
  switch (process.platform) {
    case 'linux':
      // A server's working folder is its data directory.
      return isPostgres(pid) && linkTarget(`/proc/${pid}/cwd`) === realpathSync(data);
    case 'win32':
      return true;
    default:
      return commandLine(pid).includes(data);
  }
}

function isPostgres(pid: number): boolean {
  return process.platform === 'linux'
    ? readProc(`${pid}/comm`)?.trim() === 'postgres'
    : commandLine(pid).includes('postgres');
}

function commandLine(pid: number): string {
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Starts the server as a session of its own, and resolves when it takes connections. Loopback only, no Unix socket.
 * @throws DATABASE_FAILED
 */
export async function startServer(
  cluster: Cluster,
  options: { port: number; log: string; mark: string },
): Promise<'started' | 'port-taken'> {
  const limit = performance.now() + START_LIMIT_MS;
  const lockLimit = performance.now() + LOCK_LIMIT_MS;
  for (;;) {
    await dropStalePidFile(cluster.data);
    const logged = await sizeOf(options.log);
    const started = await spawnServer(cluster, options);
    const failure = await untilReady(cluster.data, started, limit);
    if (failure === undefined) return 'started';
    const log = await lastLines(options.log, 20, logged);
    if (log.some((line) => line.includes('could not bind'))) return 'port-taken';
    // After a crash, processes of the old server may live a moment longer; the new one sees them, and will not start.
    const isLocked = log.some((line) => line.includes('"postmaster.pid" already exists'));
    const isInUse = log.some((line) => line.includes('shared memory block'));
    if (performance.now() > limit || !(isInUse || (isLocked && performance.now() < lockLimit))) {
      throw new PrestageError('DATABASE_FAILED', `PostgreSQL ${failure}: ${log.at(-1) ?? 'it said nothing'}`, {
        hint: `Its log is ${options.log}.`,
        context: { path: cluster.data, log },
      });
    }
    await sleep(200);
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/**
 * The pid in the file of a server that crashed may be another program's by now, or a zombie's that nobody reaps, and would
 * keep ours from starting. Where it is nobody's, the file must stay: by it a new server finds processes of the old one that
 * still use the data. For a zombie we look for those ourselves.
 */
async function dropStalePidFile(data: string): Promise<void> {
  if (process.platform === 'win32') return;
  const path = join(data, 'postmaster.pid');
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
  const isStale = identify(pid) ? !isPostgres(pid) : isZombie(pid) && !processIds().some((id) => isServerOf(id, data));
  if (isStale) await rm(path, { force: true });
}

function isZombie(pid: number): boolean {
  const stat = process.platform === 'linux' ? readProc(`${pid}/stat`) : undefined;
  return stat !== undefined && statField(stat, 3) === 'Z';
}

async function spawnServer(
  cluster: Cluster,
  { port, log, mark }: { port: number; log: string; mark: string },
): Promise<ProcessIdentity | undefined> {
  const [command, args, options] = programCall(cluster, 'postgres', [
    ...['-D', cluster.data, '-p', String(port)],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'log_timezone=UTC'],
  ]);
  const output = await open(log, 'a', 0o600);
  try {
    const child = spawn(command, args, {
      ...options,
      env: { ...options.env, [MARK]: mark },
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    });
    await once(child, 'spawn');
    child.unref();
    return identify(child.pid ?? 0);
  } finally {
    await output.close();
  }
}

/** Undefined when it is ready, else what became of it. */
async function untilReady(
  data: string,
  started: ProcessIdentity | undefined,
  limit: number,
): Promise<string | undefined> {
  for (;;) {
    if ((await findServer(data))?.ready) return undefined;
    if (started === undefined || !isRunning(started)) return 'ended at once';
    if (performance.now() > limit) return `was not ready within ${START_LIMIT_MS / 1000} s`;
    await sleep(20);
  }
}

/** Fast shutdown (SIGINT): connections are ended, what was committed is on disk. @throws PROCESS_STUCK */
export async function stopServer({ process: server }: RunningServer): Promise<void> {
  signalProcess(server, 'SIGINT');
  if ((await untilEnded([server], STOP_LIMIT_MS)).length === 0) return;
  signalProcess(server, 'SIGQUIT');
  if ((await untilEnded([server], 5_000)).length === 0) return;
  signalProcess(server, 'SIGKILL');
  const stuck = await untilEnded([server], 5_000);
  if (stuck.length > 0) throw stuckError(stuck);
}
