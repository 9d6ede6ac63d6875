import type { AwsEnvironment } from '../../plan/index.js';
import { Bucket } from './bucket/bucket.js';
import { describeStack, type StackState } from './cloudformation/stack-state.js';
import { foundationStackName, infrastructureStackName, type Scope } from './names.js';
import { openSession, type Session } from './session/session.js';
import { parseFoundationOutputs } from './stacks/foundation-outputs.js';
import type { FoundationOutputs } from './stacks/inputs.js';

/** What every part of the AWS target is given: one environment of one project. */
export interface AwsContext {
  project: string;
  environment: AwsEnvironment;
  session: Session;
  /** With the account, which AWS is asked for once. */
  scope(): Promise<Scope>;
}

/** The foundation, as it is deployed. */
export interface Place {
  scope: Scope;
  outputs: FoundationOutputs;
  bucket: Bucket;
}

export function openContext(project: string, environment: AwsEnvironment): AwsContext {
  const session = openSession(environment);
  return {
    project,
    environment,
    session,
    scope: async () => ({
      project,
      environment: environment.name,
      account: await session.account(),
      region: environment.region,
    }),
  };
}

/** Undefined where there is no foundation, or none that ever became whole. */
export async function findPlace(context: AwsContext): Promise<Place | undefined> {
  const scope = await context.scope();
  const stack = await describeStack(context.session.cloudFormation, foundationStackName(scope));
  return stack && placeOf(context, scope, stack);
}

export function placeOf({ session }: AwsContext, scope: Scope, { outputs }: StackState): Place | undefined {
  if (outputs.BucketName === undefined) return undefined;
  const parsed = parseFoundationOutputs(outputs);
  return { scope, outputs: parsed, bucket: new Bucket({ client: session.s3, name: parsed.BucketName }) };
}

/** The stack of phase 2; undefined where there is none. */
export async function findInfrastructure({
  session,
  project,
  environment,
}: AwsContext): Promise<StackState | undefined> {
  return describeStack(session.cloudFormation, infrastructureStackName({ project, environment: environment.name }));
}
