import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';
import { identify, livenessOf as livenessOfProcess } from './process-identity.js';

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
  const started = identify(process.pid)?.started;
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

/** `unknown`: it is on another machine, or this one does not tell whether it is the same process. */
export function livenessOf({ machine, pid, pidStartedAt }: ProcessRecord): 'running' | 'gone' | 'unknown' {
  if (machine !== thisMachine()) return 'unknown';
  return livenessOfProcess({ pid, started: pidStartedAt });
}
