import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import type { DatabasePlan } from '../../../plan/index.js';
import type { Deployment, ResourceChange } from '../../target.js';
import { awsParts } from '../api/aws-parts.js';
import type { Synthesized } from '../cdk/synthesize.js';
import { changesOf } from '../cloudformation/change-set.js';
import { deployStack } from '../cloudformation/deploy-stack.js';
import { isDeployed } from '../cloudformation/deployed-stack.js';
import { stackChanges } from '../cloudformation/stack-changes.js';
import { describeStack, isNeverMade, type StackState } from '../cloudformation/stack-state.js';
import type { AwsContext, Place } from '../environment/context.js';
import { dataStackName } from '../environment/names.js';
import { type AwsLook, type Location, locationOf } from '../look.js';
import { databaseCertificates } from './certificates.js';
import { type DatabaseChange, databaseChange } from './database-change.js';
import { findDatabases } from './find-databases.js';
import type { DataOutputs } from './inputs.js';
import { takeSnapshot } from './snapshots.js';

type DataDeployment = Pick<Deployment, 'services' | 'keepDatabase'>;

/** What a plan shows of the database, while nothing is known of how it will be reached. */
const UNKNOWN: DataOutputs = {
  DatabaseInstance: 'database-not-made-yet',
  DatabaseSecretArn: 'secret-not-made-yet',
  DatabaseGroupId: 'sg-00000000000000000',
};

export interface DataPlan {
  change: DatabaseChange;
  /** How hosts reach it; a placeholder where it is not made yet, undefined where there is to be none. */
  outputs: DataOutputs | undefined;
}

/**
 * What becomes of the database, and that nothing of it is lost.
 * @throws CONFIG_INVALID where data would be lost or split, STACK_STUCK where a database is there and its stack is not
 */
export async function planData(
  look: AwsLook,
  { services: { database }, keepDatabase }: DataDeployment,
): Promise<DataPlan> {
  const stack = await look.data.state();
  const kept = keepDatabase ? outputsOf(stack) : undefined;
  if (database && kept) return { change: { action: 'keep', detail: '' }, outputs: kept };
  const wanted = database && (await synthesizedData(look.context, await locationOf(look), database));
  const change = await changeOf(look, wanted);
  return { change, outputs: database && (outputsOf(stack) ?? UNKNOWN) };
}

/** What CloudFormation would change of the database's stack. @throws CONFIG_INVALID where it would make an empty database instead */
export async function dataChanges(
  look: AwsLook,
  { services: { database } }: DataDeployment,
): Promise<ResourceChange[]> {
  if (database === undefined) return [];
  const { context, data } = look;
  const location = await locationOf(look);
  const { template } = await synthesizedData(context, location, database);
  const changes = await stackChanges(context.session, data, template, location.bucket);
  refuseReplacement(changes);
  return changes;
}

/**
 * Makes the database as the configuration says, or brings it up to date, before any host and in a stack of its own: hosts that fail
 * never undo it, and the next deployment finds it. Another major version is preceded by a snapshot.
 * @throws STACK_FAILED, and what planData throws
 */
export async function ensureData(
  look: AwsLook,
  place: Place,
  deployment: DataDeployment,
  options: CommandContext,
): Promise<{ outputs: DataOutputs | undefined; isChanged: boolean }> {
  const { database } = deployment.services;
  if (database === undefined) return { outputs: undefined, isChanged: false };
  const { context } = look;
  const { session } = context;
  const { name } = look.data;
  await bringCertificates(place);
  const { template, directory } = await synthesizedData(context, place, database);
  const stack = await look.data.state();
  const kept = deployment.keepDatabase ? outputsOf(stack) : undefined;
  if (kept !== undefined) return { outputs: kept, isChanged: false };
  if (await isDeployed(look.data, template)) return { outputs: demandOutputs(name, stack), isChanged: false };
  const { action } = await changeOf(look, { template });
  if (stack !== undefined && !isNeverMade(stack)) refuseReplacement(await changesOf(session, stack, template, place));
  if (action === 'upgrade')
    await takeSnapshot(context, outputsOf(stack)?.DatabaseInstance ?? '', database.version, options);
  const deployed = await deployStack(session, { name, assembly: directory }, options);
  return { outputs: demandOutputs(name, deployed), isChanged: true };
}

/** To where hosts read them. */
async function bringCertificates({ bucket, scope }: Place): Promise<void> {
  const { pem, truststore } = databaseCertificates(scope.region);
  for (const { key, content } of [pem, truststore])
    if ((await bucket.sizeOf(key)) !== content.length) await bucket.put(key, content);
}

/** The stack of the database; undefined where there is none. */
export async function findData({ session, project, environment }: AwsContext): Promise<StackState | undefined> {
  return describeStack(session.cloudFormation, dataStackName({ project, environment: environment.name }));
}

/** Undefined where it never became whole. */
export function outputsOf(stack: StackState | undefined): DataOutputs | undefined {
  const { DatabaseInstance, DatabaseSecretArn, DatabaseGroupId } = stack?.outputs ?? {};
  if (DatabaseInstance === undefined || DatabaseSecretArn === undefined || DatabaseGroupId === undefined)
    return undefined;
  return { DatabaseInstance, DatabaseSecretArn, DatabaseGroupId };
}

/** The stack as it is to be. */
export async function synthesizedData(
  { environment: { ha, instanceTypes } }: AwsContext,
  { scope, outputs }: Location,
  database: DatabasePlan,
): Promise<Synthesized> {
  const { synthesizeData } = await awsParts(() => import('./stack.js'));
  return synthesizeData({
    scope,
    database,
    ha,
    instanceClass: instanceTypes.database,
    vpcId: outputs.VpcId,
    subnetIds: outputs.WorkerSubnetIds,
  });
}

async function changeOf(
  { context, data }: AwsLook,
  wanted: Pick<Synthesized, 'template'> | undefined,
): Promise<DatabaseChange> {
  const stack = await data.state();
  const isMade = stack !== undefined && !isNeverMade(stack);
  if (!isMade && wanted !== undefined) await refuseWithoutStack(context, stack);
  const deployed = isMade ? await data.template() : undefined;
  const id = outputsOf(stack)?.DatabaseInstance;
  const found = wanted && id ? (await findDatabases(context)).find((database) => database.id === id) : undefined;
  return databaseChange(deployed, wanted?.template, found?.version);
}

/** A second database beside it would be an empty one, and the first would go on costing. */
async function refuseWithoutStack(context: AwsContext, stack: StackState | undefined): Promise<void> {
  // What is left of a creation that failed is removed with its stack.
  if (stack !== undefined) return;
  const [found] = await findDatabases(context);
  if (found === undefined) return;
  const { project, environment } = context;
  const name = dataStackName({ project, environment: environment.name });
  throw new PrestageError(
    'STACK_STUCK',
    `Database ${found.id} of ${project} in ${environment.name} is there, and stack ${name}, which a database is in, is not: somebody deleted the stack, or a version of Prestage made the database that had no such stack.`,
    {
      hint: `Take \`database\` out of the configuration to deploy without it. Or keep its data (\`aws rds create-db-snapshot\`, or a dump), remove it by \`prestage destroy --purge --env ${environment.name}\`, and deploy again.`,
      context: { stack: name, found: found.id },
    },
  );
}

function refuseReplacement(changes: readonly ResourceChange[]): void {
  const replaced = changes.find(
    ({ resourceType, action }) =>
      resourceType === 'AWS::RDS::DBInstance' && (action === 'replace' || action === 'remove'),
  );
  if (replaced === undefined) return;
  throw new PrestageError(
    'CONFIG_INVALID',
    `CloudFormation would make another, empty database in place of the one that is there (${replaced.detail}). Nothing was changed.`,
    {
      hint: 'Take back what was changed of the network or of the database, or deploy another environment and move the data there.',
      context: { stack: replaced.stack, resource: replaced.resource },
    },
  );
}

function demandOutputs(name: string, stack: StackState | undefined): DataOutputs {
  const outputs = outputsOf(stack);
  if (outputs !== undefined) return outputs;
  throw new PrestageError('STACK_STUCK', `Stack ${name} lacks outputs that its database is reached by.`, {
    hint: 'It was changed by something other than Prestage, or by another version of it. Deploy with the version that made it.',
    context: { stack: name },
  });
}
