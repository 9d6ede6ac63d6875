import type { ResourceChange } from '../../target.js';
import type { Session } from '../api/session.js';
import type { Bucket } from '../bucket/bucket.js';
import { additionsOf, changesOf } from './change-set.js';
import { type DeployedStack, isDeployed } from './deployed-stack.js';
import { isNeverMade, type Template } from './stack-state.js';

/** What a template would change of a stack, whether that is there or not. @param bucket undefined where nothing is there yet */
export async function stackChanges(
  session: Session,
  deployed: DeployedStack,
  wanted: Template,
  bucket: Bucket | undefined,
): Promise<ResourceChange[]> {
  const stack = await deployed.state();
  if (stack === undefined || bucket === undefined || isNeverMade(stack)) return additionsOf(deployed.name, wanted);
  if (await isDeployed(deployed, wanted)) return [];
  return changesOf(session, stack, wanted, { bucket });
}
