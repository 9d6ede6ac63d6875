import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { errnoOf } from '../../../core/errors.js';
import { healthCheck, secretSource } from '../../../plan/index.js';
import { hostFiles } from '../layout.js';

/** host.json: all that a supervisor needs to know of its host. It may hold the database's URL, so only its owner reads it. */
const hostSpec = z.object({
  format: z.literal(1),
  /** `<service>-<index>` */
  host: z.string(),
  service: z.string(),
  index: z.int(),
  address: z.string(),
  port: z.int().optional(),
  release: z.string(),
  /** The store's root. */
  root: z.string(),
  boot: z.string().optional(),
  run: z.string().optional(),
  health: healthCheck.optional(),
  stop: z.object({ signal: z.string(), timeoutMs: z.int() }).optional(),
  restart: z.enum(['on-failure', 'never']).optional(),
  logs: z.array(z.string()).optional(),
  files: z.record(z.string(), z.string()).optional(),
  user: z.string().optional(),
  bootUser: z.string().optional(),
  /** For `boot` and `run`, beside what they inherit of the machine. */
  environment: z.record(z.string(), z.string()),
  /** Variables whose values are kept elsewhere: read for each start of a program, and never written down. */
  secrets: z.record(z.string(), secretSource).optional(),
  /**
   * What this host is made of, by name: settings, scripts, packages, variables, each as a digest. A host with other
   * ingredients is another host; the names that differ are the reason.
   */
  ingredients: z.record(z.string(), z.string()),
  /** Where no worker ran: who prepares the release. */
  fallback: z
    .discriminatedUnion('role', [
      /** This host does, by running `agent` on the job in `runFolder`. */
      z.object({
        role: z.literal('prepares'),
        agent: z.string(),
        runFolder: z.string(),
        /** The names of the variables that have logins for sources: for the agent, not for the host's scripts. */
        logins: z.array(z.string()).optional(),
      }),
      /** It waits for the jump host in `jumpFolder`, as long as that works on the same run. */
      z.object({
        role: z.literal('waits'),
        jump: z.string(),
        jumpFolder: z.string(),
        runFolder: z.string(),
        limitMs: z.int(),
      }),
    ])
    .optional(),
});

export type HostSpec = z.infer<typeof hostSpec>;

/** The host.json in a folder; undefined where there is none, or none that this version understands. */
export async function readSpec(folder: string): Promise<HostSpec | undefined> {
  try {
    return hostSpec.safeParse(JSON.parse(await readFile(hostFiles(folder).spec, 'utf8'))).data;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
