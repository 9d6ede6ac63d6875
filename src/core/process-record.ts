import * as z from 'zod';
import type { ProcessIdentity } from './process-identity.js';

/** A process identity as it is read from a file. Apart from the rest, so that a supervisor starts without the parser. */
export const processIdentity: z.ZodType<ProcessIdentity> = z.object({ pid: z.int(), started: z.string().optional() });
