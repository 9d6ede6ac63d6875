import type { ResourceChange } from '../../target.js';
import type { Bucket } from '../bucket/bucket.js';
import type { Session } from '../session/session.js';
import { additionsOf, changesOf } from './change-set.js';
import { isDeployed } from './is-deployed.js';
import { describeStack, isNeverMade, type Template } from './stack-state.js';

/** What a template would change of a stack, whether that is there or not. @param bucket undefined where nothing is there yet */
export async function stackChanges(
  session: Session,
  name: string,
  wanted: Template,
  bucket: Bucket | undefined,
): Promise<ResourceChange[]> {
  const stack = await describeStack(session.cloudFormation, name);
  if (stack === undefined || bucket === undefined || isNeverMade(stack)) return additionsOf(name, wanted);
  if (await isDeployed(session.cloudFormation, name, wanted)) return [];
  return changesOf(session, stack, wanted, { bucket });
}
