import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { errnoOf } from '../../../core/errors.js';
import { isPlace } from '../../../core/place.js';
import { placeRecord, processIdentity } from '../../../core/process-record.js';
import { hostFiles } from '../layout.js';

/** state.json: what a supervisor says of its host. Written by the supervisor alone; read by every command. */
const hostState = z.object({
  phase: z.enum([
    'starting',
    'waiting-for-files',
    'preparing',
    'booting',
    'running',
    'waiting-for-port',
    'done',
    'failed',
    'stopped',
  ]),
  supervisor: processIdentity,
  /** Where the host's folder is. */
  place: placeRecord.optional(),
  /** What it says of its files, once it has looked. */
  files: z.enum(['ready', 'preparing', 'waiting']).optional(),
  /** When its packages were prepared, as it found them: the manifests' mtimes, in milliseconds. */
  prepared: z.record(z.string(), z.number()).optional(),
  /** Whether the prepared files are read-only for its programs. */
  readOnly: z.boolean().optional(),
  /** The process of `boot` or `run`, the leader of its group. */
  child: processIdentity.optional(),
  bootMs: z.number().optional(),
  /** ISO 8601, UTC. */
  runStartedAt: z.string().optional(),
  /** How often `run` ended and was started again. */
  restarts: z.int(),
  /** How it ended last: `exit status 1`, `SIGSEGV`. */
  lastExit: z.string().optional(),
  /** Why it could not be started the last time. */
  notStarted: z.string().optional(),
  /** Why `failed`. */
  reason: z.string().optional(),
});

export type HostState = z.infer<typeof hostState>;

/**
 * The state in a host's folder; undefined before its supervisor has written the first one, and in a copy of the folder:
 * the processes are the original's.
 */
export async function readState(folder: string): Promise<HostState | undefined> {
  try {
    const state = hostState.safeParse(JSON.parse(await readFile(hostFiles(folder).state, 'utf8'))).data;
    return state && isPlace(state.place, folder) ? state : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
