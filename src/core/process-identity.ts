import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process for good: its id, and when it started, because an id is given to another process after a while or a reboot. */
export interface ProcessIdentity {
  pid: number;
  /** In the system's own words; absent where it does not tell (Windows). */
  started?: string | undefined;
}

/** The identity of a process that runs now; undefined where there is none, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startOf(pid);
  if (started === 'gone') return undefined;
  return started === undefined ? { pid } : { pid, started };
}

/** `unknown`: a process with that id runs, and the system does not tell whether it is the same. */
export function livenessOf({ pid, started }: ProcessIdentity): 'running' | 'gone' | 'unknown' {
  const now = startOf(pid);
  if (now === 'gone') return 'gone';
  if (now === undefined || started === undefined) return 'unknown';
  return now === started ? 'running' : 'gone';
}

export function isRunning(identity: ProcessIdentity | undefined): boolean {
  return identity !== undefined && livenessOf(identity) !== 'gone';
}

/** Sends a signal, if it is still that process. */
export function signalProcess(identity: ProcessIdentity | undefined, signal: NodeJS.Signals): void {
  if (!identity || !isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It ended in between.
  }
}

/** When a process started; `gone` where there is none, undefined where the system does not tell. */
function startOf(pid: number): string | undefined | 'gone' {
  if (!exists(pid)) return 'gone';
  switch (process.platform) {
    case 'linux':
      return startOnLinux(pid);
    case 'win32':
      return undefined;
    default:
      return startByPs(pid);
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // it is another user's
  }
}

/** A field of `/proc/<pid>/stat` by its number in proc(5). The second one, the command, may hold spaces and parentheses. */
export function statField(stat: string, field: number): string | undefined {
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    [field - 3]?.trim();
}

let bootId: string | undefined;

/** Field 22 is in clock ticks since the machine's start, so the start's own id belongs to it. */
function startOnLinux(pid: number): string | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === undefined) return exists(pid) ? undefined : 'gone'; // /proc may be mounted so that others' are hidden
  if (statField(stat, 3) === 'Z' || statField(stat, 3) === 'X') return 'gone';
  bootId ??= readProc('sys/kernel/random/boot_id')?.slice(0, 8) ?? 'boot';
  return `${bootId}:${statField(stat, 22)}`;
}

function startByPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  if (status !== 0 || stdout.trim().startsWith('Z')) return 'gone';
  return stdout.trim().replace(/^\S+\s+/, '');
}

export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}
