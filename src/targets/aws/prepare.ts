import type { CommandContext } from '../../core/command-context.js';
import type { PrepareJob } from '../target.js';
import { reachOf, uploadInputs } from './bucket/upload-inputs.js';
import type { AwsContext } from './environment/context.js';
import type { CommandLock } from './exclusively.js';
import { ensureFoundation } from './foundation/ensure-foundation.js';
import { lookAt } from './look.js';
import { recordFallback } from './worker/fallback.js';
import { runTask } from './worker/run-task.js';

/**
 * Phase 1: makes what a preparation needs, puts the files into the bucket, and has a worker prepare them.
 * @throws what the worker failed with; STACK_FAILED, LOCKED; the signal's reason
 */
export async function prepare(
  context: AwsContext,
  { plan, inputs, ...how }: PrepareJob,
  options: CommandContext & { lock: CommandLock },
): Promise<void> {
  const { place } = await ensureFoundation(lookAt(context), { ...options, inputs });
  await options.lock.take(place.bucket, options);
  const located = await uploadInputs(place.bucket, { plan, inputs }, { ...options, ...reachOf(context.environment) });
  await recordFallback(place, { plan, inputs: located }, options.signal);
  await runTask(context, place, { kind: 'prepare', plan, inputs: located, ...how }, options);
}
