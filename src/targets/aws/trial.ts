import type { CommandContext } from '../../core/command-context.js';
import { PrestageError } from '../../core/errors.js';
import { trialOf } from '../../plan/index.js';
import type { TargetStatus } from '../target.js';
import { type LockHolder, readLockHolder } from './bucket/lock.js';
import { destroy } from './destroy.js';
import { type AwsContext, openContext } from './environment/context.js';
import { CommandLock } from './exclusively.js';
import { keptBucket } from './foundation/kept.js';
import { leftOf } from './left.js';

/** What `prestage test` has made beside an environment, and has not removed: because it is at work, or was killed. */
interface Trial {
  context: AwsContext;
  left: string[];
  /** Who is at work there. */
  holder: LockHolder | undefined;
}

/** For `status`. */
export async function trialStatus(context: AwsContext): Promise<TargetStatus['temporary']> {
  const trial = await findTrial(context);
  if (trial === undefined) return [];
  const doing =
    trial.holder === undefined
      ? 'left by a `prestage test` that was killed'
      : `\`prestage test\` is at work on ${trial.holder.process.host}`;
  return [{ kind: 'test', id: trial.context.environment.name, detail: `${doing}: ${trial.left.join(', ')}` }];
}

/** Removes all that a test has made beside an environment. @param breakIn also where the test is still at work */
export async function removeTrial(
  context: AwsContext,
  { breakIn, ...options }: CommandContext & { breakIn: boolean },
): Promise<void> {
  const trial = await findTrial(context);
  if (trial === undefined) return;
  const { name } = trial.context.environment;
  if (trial.holder !== undefined && !breakIn)
    return options.emit({
      type: 'notice',
      message: `\`prestage test\` is at work on ${trial.holder.process.host} in ${name}, which stays: the test removes it, or \`prestage destroy --temporary\`.`,
    });
  options.emit({ type: 'notice', message: `Removing what \`prestage test\` left: ${trial.left.join(', ')}.` });
  await destroy(trial.context, { ...options, purge: true }, new CommandLock());
}

/** Undefined where there is none, and in a trial itself. */
async function findTrial({ project, environment, session }: AwsContext): Promise<Trial | undefined> {
  if (environment.trialOf !== undefined) return undefined;
  const context = openContext(project, trialOf(environment), session);
  try {
    const left = await leftOf(context);
    if (left.length === 0) return undefined;
    const bucket = await keptBucket(context);
    return { context, left, holder: bucket && (await readLockHolder(bucket)) };
  } catch (error) {
    // Anyone who may deploy this environment alone has made no test of it.
    if (error instanceof PrestageError && error.context.status === 403) return undefined;
    throw error;
  }
}
