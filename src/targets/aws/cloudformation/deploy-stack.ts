import type { StackEvent } from '@aws-sdk/client-cloudformation';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import type { Emit } from '../../../core/events.js';
import { awsFailure } from '../api/aws-failure.js';
import type { Session } from '../api/session.js';
import { settleStack } from './settle-stack.js';
import { describeStack, lastOperation, type StackState } from './stack-state.js';
import { cdkToolkit } from './toolkit.js';

export interface StackDeployment {
  name: string;
  /** A folder with the synthesised cloud assembly, of this one stack. */
  assembly: string;
}

/**
 * Makes a stack as its template says, through CloudFormation, and follows it. What is in the way of a deployment is repaired first.
 * Aborting the signal stops following; CloudFormation goes on.
 * @throws STACK_FAILED with the resource that failed and why; the signal's reason
 */
export async function deployStack(
  session: Session,
  deployment: StackDeployment,
  options: CommandContext,
): Promise<StackState> {
  for (;;) {
    const after = await deployOnce(session, deployment, options);
    if (after !== undefined) return after;
  }
}

/** Undefined where somebody else came first: CloudFormation does one thing after the other with a stack. */
async function deployOnce(
  session: Session,
  { name, assembly }: StackDeployment,
  context: CommandContext,
): Promise<StackState | undefined> {
  const { emit, signal } = context;
  const before = await settleStack(session, name, context);
  const started = performance.now();
  emit({ type: 'stack.started', stack: name, action: before === undefined ? 'create' : 'update' });
  const toolkit = await cdkToolkit(session, (event) => tellOf(event, name, emit));
  const deploying = toolkit.deploy(assembly);
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  interrupted.catch(() => {});
  try {
    await Promise.race([deploying, interrupted]);
  } catch (error) {
    signal.throwIfAborted();
    const meanwhile = await describeStack(session.cloudFormation, name);
    if (isAtWork(meanwhile)) return undefined;
    throw await failureOf(session, name, error);
  }
  const after = await describeStack(session.cloudFormation, name);
  if (isAtWork(after)) return undefined;
  if (after === undefined) throw new PrestageError('INTERNAL', `Stack ${name} was deployed, and is not there.`);
  emit({
    type: 'stack.finished',
    stack: name,
    status: after.status,
    durationMs: Math.round(performance.now() - started),
  });
  return after;
}

function isAtWork(stack: StackState | undefined): boolean {
  return stack?.status.endsWith('_IN_PROGRESS') ?? false;
}

function tellOf(
  { LogicalResourceId, ResourceType, ResourceStatus, ResourceStatusReason }: StackEvent,
  stack: string,
  emit: Emit,
): void {
  if (LogicalResourceId === undefined || ResourceStatus === undefined || LogicalResourceId === stack) return;
  emit({
    type: 'stack.resource',
    stack,
    resource: LogicalResourceId,
    resourceType: ResourceType ?? '',
    status: ResourceStatus,
    ...(ResourceStatusReason === undefined ? {} : { reason: ResourceStatusReason }),
  });
}

/** The first resource that failed is the reason; the others were cancelled for it. */
async function failureOf({ cloudFormation }: Session, name: string, error: unknown): Promise<PrestageError> {
  if (error instanceof PrestageError) return error;
  const events = await lastOperation(cloudFormation, name).catch(() => []);
  const first = events.find(
    ({ ResourceStatus, ResourceStatusReason, LogicalResourceId }) =>
      /^(CREATE|UPDATE|DELETE)_FAILED$/.test(ResourceStatus ?? '') &&
      LogicalResourceId !== name &&
      !/cancelled/i.test(ResourceStatusReason ?? ''),
  );
  const stack = await describeStack(cloudFormation, name).catch(() => undefined);
  if (first === undefined && stack === undefined)
    return awsFailure(error, { action: 'cloudformation', resource: name });
  const message = error instanceof Error ? error.message : String(error);
  const why =
    first === undefined ? message : `${first.LogicalResourceId} (${first.ResourceType}): ${first.ResourceStatusReason}`;
  return new PrestageError(
    'STACK_FAILED',
    `Stack ${name} could not be deployed: ${why.replace(/\.?$/, '.')}${outcome(stack)}`,
    {
      hint: 'Fix what it says, and run the same command again: it continues from where the stack is.',
      context: {
        stack: name,
        ...(first?.LogicalResourceId === undefined ? {} : { resource: first.LogicalResourceId }),
        ...(first?.ResourceType === undefined ? {} : { resourceType: first.ResourceType }),
        ...(stack === undefined ? {} : { found: stack.status }),
      },
      cause: error,
    },
  );
}

function outcome(stack: StackState | undefined): string {
  switch (stack?.status) {
    case 'UPDATE_ROLLBACK_COMPLETE':
      return ' CloudFormation put it back as it was.';
    case 'ROLLBACK_COMPLETE':
      return ' CloudFormation removed again what it had made.';
    case undefined:
      return '';
    default:
      return ` It is in ${stack?.status}.`;
  }
}
