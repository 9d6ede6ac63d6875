import * as z from 'zod';
import { ERRORS, type ErrorCode, type SerializedError } from '../core/errors.js';
import { placeRecord, processIdentity } from '../core/process-record.js';
import { inputLocations, releasePlan } from '../plan/index.js';
import { type PrunePlan, releaseRecord, type VerifyReport } from '../store/index.js';

const prunePlan: z.ZodType<PrunePlan> = z.object({
  keep: z.array(z.object({ release: z.string(), reason: z.string() })),
  remove: z.array(z.object({ release: z.string(), createdAt: z.string() })),
  trees: z.array(z.object({ tree: z.string(), bytes: z.number() })),
  aside: z.array(z.object({ path: z.string(), bytes: z.number() })),
  bytes: z.number(),
});

/** What is to be done with the store. */
export const agentTask = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('prepare'),
    plan: releasePlan,
    inputs: inputLocations,
    /** What is in the store, and wrong: it is prepared again in any case. */
    replace: z.strictObject({ trees: z.array(z.string()), release: z.boolean() }).exactOptional(),
    /** Whether the first package that fails ends the work on the others. */
    failFast: z.boolean().exactOptional(),
  }),
  /** Without a release: all of them. */
  z.strictObject({ kind: z.literal('verify'), release: z.string().exactOptional(), deep: z.boolean() }),
  z.strictObject({ kind: z.literal('prune'), plan: prunePlan }),
]);

/** Where, besides the run's folder, an agent tells of what it does: those who ask cannot reach its machine. */
export const agentReport = z.strictObject({
  bucket: z.string(),
  region: z.string(),
  /** The prefix of the objects of this run (remote-run.ts). */
  run: z.string(),
  /** The prefix of the index of what the store holds (store-index.ts). */
  index: z.string(),
});

/** What an agent is told: everything that it needs, so that it depends on nobody once it runs. */
export const agentJob = z.strictObject({
  version: z.literal(1),
  /** A name that no other run has. */
  run: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /** The store's root. */
  root: z.string(),
  task: agentTask,
  report: agentReport.exactOptional(),
  /** Whether to wait where another run prepares, or to fail with LOCKED. */
  waitForLock: z.boolean(),
  /** The time in ms, from its start, after which the agent ends itself. */
  deadlineMs: z.int().min(1),
  /** `prestage 0.1.0` */
  createdBy: z.string(),
});

const serializedError: z.ZodType<SerializedError> = z.object({
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  hint: z.string().optional(),
  context: z.record(z.string(), z.unknown()),
  retryable: z.literal(true).optional(),
  origin: z.array(z.string()).optional(),
  errors: z.array(z.lazy(() => serializedError)).optional(),
});

const verifyReport: z.ZodType<VerifyReport> = z.object({
  releases: z.array(z.string()),
  checked: z.number(),
  differences: z.array(
    z.object({
      package: z.string(),
      path: z.string(),
      tree: z.string().exactOptional(),
      releases: z.array(z.string()),
      file: z.string(),
      kind: z.enum(['missing', 'extra', 'type', 'mode', 'size', 'digest', 'link', 'manifest', 'record']),
      expected: z.string().exactOptional(),
      found: z.string().exactOptional(),
    }),
  ),
});

/** How it ended; written once, when all that it did is done. */
/** agent.json: the process that does the job, and where its run's folder is. */
export const agentProcess = processIdentity.and(z.object({ place: placeRecord.optional() }));

export const agentResult = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    /** The release that was prepared. */
    record: releaseRecord.exactOptional(),
    /** What was found by a verification. */
    report: verifyReport.exactOptional(),
  }),
  z.object({ ok: z.literal(false), error: serializedError }),
]);

export type AgentTask = z.infer<typeof agentTask>;
export type AgentReport = z.infer<typeof agentReport>;
export type AgentJob = z.infer<typeof agentJob>;
export type AgentResult = z.infer<typeof agentResult>;
