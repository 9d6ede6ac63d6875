import { failed, ok, type Verdict, warning } from '../../checks/finding.js';
import { isWhole } from '../cloudformation/deployed-stack.js';
import { describeStack } from '../cloudformation/stack-state.js';
import type { Examined } from './examined.js';

/** Whether a stack is in a state from which it can be deployed: what settle-stack.ts would do, told before. */
export async function checkStack({ session }: Examined, name: string): Promise<Verdict> {
  const stack = await describeStack(session.cloudFormation, name);
  if (stack === undefined) return ok(`There is no stack ${name} yet.`);
  const { status, reason } = stack;
  const found = `Stack ${name} is in ${status}${reason === undefined ? '' : `: ${reason.replace(/\.$/, '')}`}.`;
  if (isWhole(stack)) return ok(found);
  if (status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS')
    return warning(found, 'Something is at work on it. The next deployment waits for that to end.');
  switch (status) {
    case 'UPDATE_ROLLBACK_FAILED':
      return warning(
        found,
        'The next deployment tries to go on with the rollback. Where that fails again, its events say which resource is in the way.',
      );
    case 'DELETE_FAILED':
      return failed(
        found,
        'Look in its events for the resource that could not be deleted, remove what uses it, and run `prestage destroy` again.',
      );
    default:
      return warning(found, 'The next deployment removes what is left of it, and makes it again.');
  }
}
