import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { errnoOf } from '../core/errors.js';

/** A process, so that others can tell whether it still runs. Its id means something on its own machine only. */
export const processRecord = z.object({
  /** For people; another machine may have the same name. */
  host: z.string(),
  /** The machine since its start, and the space in which process ids are unique. */
  machine: z.string(),
  pid: z.int(),
  /** Where the system tells it: an id is given to another process after a while. */
  pidStartedAt: z.string().optional(),
});

export type ProcessRecord = z.infer<typeof processRecord>;

export function thisProcess(): ProcessRecord {
  const started = startOf(process.pid);
  return {
    host: hostname(),
    machine: thisMachine(),
    pid: process.pid,
    ...(started === undefined ? {} : { pidStartedAt: started }),
  };
}

let machine: string | undefined;

/** Containers of one machine share its boot id, but not their process ids: the namespace tells them apart. */
export function thisMachine(): string {
  machine ??= createHash('sha256').update(machineDescription()).digest('hex').slice(0, 16);
  return machine;
}

function machineDescription(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return `${process.platform} ${hostname()}`;
  }
}

/** `unknown`: it is on another machine, or this one does not tell when a process started. */
export function livenessOf(record: ProcessRecord): 'running' | 'gone' | 'unknown' {
  if (record.machine !== thisMachine()) return 'unknown';
  if (!exists(record.pid)) return 'gone';
  const started = startOf(record.pid);
  if (started === ZOMBIE) return 'gone';
  if (started === undefined || record.pidStartedAt === undefined) return 'unknown';
  return started === record.pidStartedAt ? 'running' : 'gone';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'; // EPERM: it is another user's
  }
}

const ZOMBIE = 'zombie';

/** proc(5), /proc/pid/stat: after the command in parentheses, field 3 is the state and field 22 the start time. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? ZOMBIE : fields[19];
  } catch {
    return undefined;
  }
}
