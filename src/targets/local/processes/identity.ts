import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process for good: its id, and when it started, because an id is given to another process after a while or a reboot. */
export interface ProcessIdentity {
  pid: number;
  started: string;
}

/** The identity of a process that runs now; undefined where there is none, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isRunning(identity: ProcessIdentity | undefined): boolean {
  return identity !== undefined && startOf(identity.pid) === identity.started;
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

function startOf(pid: number): string | undefined {
  switch (process.platform) {
    case 'linux':
      return startOnLinux(pid);
    case 'win32':
      return startOnWindows(pid);
    default:
      return startByPs(pid);
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
  if (stat === undefined || statField(stat, 3) === 'Z' || statField(stat, 3) === 'X') return undefined;
  bootId ??= readProc('sys/kernel/random/boot_id')?.slice(0, 8) ?? 'boot';
  return `${bootId}:${statField(stat, 22)}`;
}

function startByPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  if (status !== 0 || stdout.trim().startsWith('Z')) return undefined;
  return stdout.trim().replace(/^\S+\s+/, '');
}

function startOnWindows(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch {
    return undefined;
  }
}

export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}
