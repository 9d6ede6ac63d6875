import * as z from 'zod';
import type { Place } from './place.js';
import type { ProcessIdentity } from './process-identity.js';

/** A process identity as it is read from a file. Apart from the rest, so that a supervisor starts without the parser. */
export const processIdentity: z.ZodType<ProcessIdentity> = z.object({ pid: z.int(), started: z.string().optional() });

export const placeRecord: z.ZodType<Place> = z.object({ path: z.string(), inode: z.string() });
