import {
  ContinueUpdateRollbackCommand,
  DeleteStackCommand,
  DescribeStackResourcesCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { pause } from '../../../core/pause.js';
import { asAws } from '../api/aws-failure.js';
import type { Session } from '../api/session.js';
import { removeDatabase } from '../data/remove-database.js';
import { describeStack, isNeverMade, type StackState } from './stack-state.js';

export interface SettleOptions extends CommandContext {
  /** Between two looks at the stack, in ms. */
  pollMs?: number;
}

/**
 * Brings a stack into a state from which it can be deployed, and says what it does: waits for an operation that is under way,
 * removes the remains of a creation that failed, goes on with a rollback that got stuck.
 * @returns the stack as it is then; undefined where there is none
 * @throws STACK_STUCK where it takes a person
 */
export async function settleStack(
  session: Session,
  name: string,
  options: SettleOptions,
): Promise<StackState | undefined> {
  const { cloudFormation } = session;
  const { emit } = options;
  let stack = await describeStack(cloudFormation, name);
  for (;;) {
    if (stack === undefined) return undefined;
    if (stack.status.endsWith('_IN_PROGRESS') && stack.status !== 'REVIEW_IN_PROGRESS') {
      emit({ type: 'notice', message: `Stack ${name} is in ${stack.status}: waiting for that to end.` });
      stack = await afterProgress(stack, options, cloudFormation);
      continue;
    }
    if (isNeverMade(stack)) {
      const why =
        stack.status === 'REVIEW_IN_PROGRESS'
          ? 'was begun and never made'
          : `failed when it was made (${stack.status}${stack.reason === undefined ? '' : `: ${stack.reason}`})`;
      emit({ type: 'notice', message: `Stack ${name} ${why}: it is removed and made again.` });
      await removeItsDatabases(session, name, options);
      await liftProtection(cloudFormation, stack);
      await deleteStack(cloudFormation, name, options);
      return undefined;
    }
    switch (stack.status) {
      case 'UPDATE_ROLLBACK_FAILED':
        emit({
          type: 'notice',
          message: `Stack ${name} got stuck while it went back (UPDATE_ROLLBACK_FAILED): trying again.`,
        });
        await asAws({ action: 'cloudformation:ContinueUpdateRollback', resource: name }, () =>
          cloudFormation.send(new ContinueUpdateRollbackCommand({ StackName: name })),
        );
        stack = await afterProgress(stack, options, cloudFormation);
        if (stack?.status === 'UPDATE_ROLLBACK_FAILED') throw stuck(stack);
        continue;
      case 'DELETE_FAILED':
        throw stuck(stack);
      default:
        return stack;
    }
  }
}

/** They are protected from deletion, also from CloudFormation's own when it undoes a creation; what never was whole has no data. */
async function removeItsDatabases(session: Session, StackName: string, options: SettleOptions): Promise<void> {
  const { StackResources = [] } = await asAws(
    { action: 'cloudformation:DescribeStackResources', resource: StackName },
    () => session.cloudFormation.send(new DescribeStackResourcesCommand({ StackName })),
  );
  for (const { ResourceType, PhysicalResourceId, ResourceStatus } of StackResources)
    if (ResourceType === 'AWS::RDS::DBInstance' && PhysicalResourceId && ResourceStatus !== 'DELETE_COMPLETE')
      await removeDatabase(session, PhysicalResourceId, options);
}

/** Where a stack is protected, CloudFormation refuses to delete it. */
export async function liftProtection(
  client: Session['cloudFormation'],
  { name, isProtected }: StackState,
): Promise<void> {
  if (!isProtected) return;
  await asAws({ action: 'cloudformation:UpdateTerminationProtection', resource: name }, () =>
    client.send(new UpdateTerminationProtectionCommand({ StackName: name, EnableTerminationProtection: false })),
  );
}

/** Deletes a stack and waits until it is gone. @throws STACK_STUCK */
export async function deleteStack(
  client: Session['cloudFormation'],
  name: string,
  options: SettleOptions,
): Promise<void> {
  await asAws({ action: 'cloudformation:DeleteStack', resource: name }, () =>
    client.send(new DeleteStackCommand({ StackName: name })),
  );
  let stack = await describeStack(client, name);
  while (stack !== undefined && stack.status !== 'DELETE_FAILED') {
    await pause(options.pollMs ?? POLL_MS, options.signal);
    stack = await describeStack(client, name);
  }
  if (stack !== undefined) throw stuck(stack);
}

const POLL_MS = 3000;

async function afterProgress(
  { name, status: before }: StackState,
  { signal, pollMs = POLL_MS }: SettleOptions,
  client: Session['cloudFormation'],
): Promise<StackState | undefined> {
  for (let looks = 0; ; looks += 1) {
    await pause(pollMs, signal);
    const stack = await describeStack(client, name);
    if (stack === undefined) return undefined;
    // What was asked for a moment ago may not show at once.
    if (!stack.status.endsWith('_IN_PROGRESS') && (stack.status !== before || looks > 2)) return stack;
  }
}

function stuck({ name, status, reason }: StackState): PrestageError {
  return new PrestageError(
    'STACK_STUCK',
    `Stack ${name} is in ${status}${reason === undefined ? '' : `: ${reason}`}.`,
    {
      hint:
        status === 'DELETE_FAILED'
          ? 'Look in its events for the resource that could not be deleted, remove what uses it, and run the same command again.'
          : 'Look in its events for the resource that could not go back, fix it or skip it (`aws cloudformation continue-update-rollback --resources-to-skip`), and run the same command again.',
      context: { stack: name, found: status },
    },
  );
}
