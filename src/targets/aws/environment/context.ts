import type { AwsEnvironment } from '../../../plan/index.js';
import { openSession, type Session } from '../api/session.js';
import { Bucket } from '../bucket/bucket.js';
import { describeStack, type StackState } from '../cloudformation/stack-state.js';
import type { FoundationOutputs } from '../foundation/inputs.js';
import { parseFoundationOutputs } from '../foundation/outputs.js';
import { foundationStackName, type Scope } from './names.js';

/** What every part of the AWS target is given: one environment of one project. */
export interface AwsContext {
  project: string;
  environment: AwsEnvironment;
  session: Session;
  /** With the account: that of an ARN of the environment where one is known, else the one that AWS is asked for once. */
  scope(arn?: string): Promise<Scope>;
}

/** The foundation, as it is deployed. */
export interface Place {
  scope: Scope;
  outputs: FoundationOutputs;
  bucket: Bucket;
}

export function openContext(
  project: string,
  environment: AwsEnvironment,
  session: Session = openSession(environment),
): AwsContext {
  return {
    project,
    environment,
    session,
    scope: async (arn) => ({
      project,
      environment: environment.name,
      account: await session.account(arn),
      region: environment.region,
    }),
  };
}

/** Undefined where there is no foundation, or none that ever became whole. */
export async function findPlace(context: AwsContext): Promise<Place | undefined> {
  const stack = await findFoundation(context);
  return stack && placeOf(context, stack);
}

/**
 * The stack of phase 1; undefined where there is none. @throws AWS_SETTINGS, AWS_ACCOUNT: credentials that are missing, expired or
 * of another account are why nothing is found, or nothing may be read
 */
export async function findFoundation(context: AwsContext): Promise<StackState | undefined> {
  const { session, project, environment } = context;
  const name = foundationStackName({ project, environment: environment.name });
  try {
    const stack = await describeStack(session.cloudFormation, name);
    await session.account(stack?.id);
    return stack;
  } catch (error) {
    await session.account();
    throw error;
  }
}

/** Undefined where the stack of the foundation never became whole. @throws AWS_ACCOUNT */
export async function placeOf(context: AwsContext, { id, outputs }: StackState): Promise<Place | undefined> {
  if (outputs.BucketName === undefined) return undefined;
  const parsed = parseFoundationOutputs(outputs);
  const bucket = new Bucket({ client: context.session.s3, name: parsed.BucketName });
  return { scope: await context.scope(id), outputs: parsed, bucket };
}
