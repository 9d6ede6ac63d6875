import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrestageError } from '../../../core/errors.js';
import { lastLines } from '../hosts/log-tail.js';
import { stuckError } from '../hosts/stop.js';
import { untilEnded } from '../processes/ended.js';
import { identify, isRunning, type ProcessIdentity, readProc, signalProcess } from '../processes/identity.js';
import { MARK } from '../processes/marked.js';
import { type Cluster, programCall } from './cluster.js';

const START_LIMIT_MS = 60_000;
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
  if (process.platform === 'win32') return true;
  const command =
    process.platform === 'linux'
      ? readProc(`${pid}/cmdline`)
      : spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  return command?.includes(data) ?? false;
}

/** Starts the server as a session of its own, and resolves when it takes connections. Loopback only, no Unix socket. */
export async function startServer(
  cluster: Cluster,
  { port, log, mark }: { port: number; log: string; mark: string },
): Promise<void> {
  // We know that no server runs on the data: a file that says so is of a crash, and may stop the start.
  await rm(join(cluster.data, 'postmaster.pid'), { force: true });
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
    await untilReady(cluster.data, identify(child.pid ?? 0), log);
  } finally {
    await output.close();
  }
}

async function untilReady(data: string, started: ProcessIdentity | undefined, log: string): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS;
  while (!(await findServer(data))?.ready) {
    const ended = started === undefined || !isRunning(started);
    if (ended || performance.now() > limit) {
      const lines = await lastLines(log, 20);
      const what = ended ? 'ended at once' : `was not ready within ${START_LIMIT_MS / 1000} s`;
      throw new PrestageError('DATABASE_FAILED', `PostgreSQL ${what}: ${lines.at(-1) ?? 'it said nothing'}`, {
        hint: `Its log is ${log}.`,
        context: { path: data, log: lines },
      });
    }
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
