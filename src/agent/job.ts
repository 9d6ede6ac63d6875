import * as z from 'zod';
import { inputLocations, releasePlan } from '../config/index.js';
import { ERRORS, type ErrorCode } from '../core/errors.js';
import { releaseRecord } from '../store/index.js';

/** What an agent is told: everything that it needs, so that it depends on nobody once it runs. */
export const agentJob = z.strictObject({
  version: z.literal(1),
  /** A name that no other run has. */
  run: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /** The store's root. */
  root: z.string(),
  plan: releasePlan,
  inputs: inputLocations,
  /** Whether to wait where another run prepares, or to fail with LOCKED. */
  waitForLock: z.boolean(),
  /** The time in ms, from its start, after which the agent ends itself. */
  deadlineMs: z.int().min(1),
  /** `prestage 0.1.0` */
  createdBy: z.string(),
});

const serializedError = z.object({
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  hint: z.string().optional(),
  context: z.record(z.string(), z.unknown()),
});

/** How it ended; written once, when all that it did is done. */
export const agentResult = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), release: z.string(), record: releaseRecord }),
  z.object({ ok: z.literal(false), error: serializedError }),
]);

export type AgentJob = z.infer<typeof agentJob>;
export type AgentResult = z.infer<typeof agentResult>;
