import { DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import { DescribeMountTargetSecurityGroupsCommand, DescribeMountTargetsCommand } from '@aws-sdk/client-efs';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { type AwsNetwork, type InputLocations, isReadByRole } from '../../../plan/index.js';
import { asAws } from '../api/aws-failure.js';
import { awsParts } from '../api/aws-parts.js';
import { deployStack } from '../cloudformation/deploy-stack.js';
import { isDeployed } from '../cloudformation/deployed-stack.js';
import type { AwsContext, Place } from '../environment/context.js';
import { type AwsLook, lookAt } from '../look.js';
import type { FoundationInputs } from './inputs.js';
import { refuseWithoutStack } from './kept.js';

/**
 * What is durable and cheap, as the configuration says: made, brought up to date, or left alone.
 * @returns the environment as it is then: as it was looked at before, where nothing was changed
 * @throws STACK_FAILED, STACK_STUCK, and what AWS refuses
 */
export async function ensureFoundation(
  look: AwsLook,
  { inputs, ...options }: CommandContext & { inputs: InputLocations | undefined },
): Promise<{ look: AwsLook; place: Place }> {
  const { context, foundation } = look;
  if ((await foundation.state()) === undefined) await refuseWithoutStack(context);
  const { synthesizeFoundation } = await awsParts(() => import('./stack.js'));
  const synthesized = synthesizeFoundation(await foundationInputs(look, inputs));
  if (await isDeployed(foundation, synthesized.template)) return withPlace(look);
  await deployStack(context.session, { name: foundation.name, assembly: synthesized.directory }, options);
  return withPlace(lookAt(context));
}

async function withPlace(look: AwsLook): Promise<{ look: AwsLook; place: Place }> {
  const place = await look.place();
  if (place !== undefined) return { look, place };
  throw new PrestageError('INTERNAL', `Stack ${look.foundation.name} has no outputs.`);
}

/** @param inputs of the release that is to be prepared; without them, what is deployed is taken over */
export async function foundationInputs(look: AwsLook, inputs?: InputLocations): Promise<FoundationInputs> {
  const { context } = look;
  const { network, fileSystemId, instanceTypes } = context.environment;
  return {
    sourceBuckets: inputs === undefined ? await deployedSourceBuckets(look) : sourceBuckets(inputs),
    scope: await context.scope(),
    network,
    ...(network.kind === 'existing' ? { furtherSubnets: await subnetsOfFurtherZones(context, network) } : {}),
    ...(fileSystemId === undefined
      ? {}
      : { existingFileSystem: { id: fileSystemId, securityGroupIds: await mountTargetGroups(context, fileSystemId) } }),
    workerInstanceType: instanceTypes.worker,
  };
}

/** One of the hosts' subnets for each zone that no subnet of the worker is in: a mount target's name is known in its own zone alone. */
async function subnetsOfFurtherZones(
  { session }: AwsContext,
  { workerSubnets, hostSubnets }: Extract<AwsNetwork, { kind: 'existing' }>,
): Promise<string[]> {
  const ids = [...new Set([...workerSubnets, ...hostSubnets])];
  if (ids.length === workerSubnets.length) return [];
  const { Subnets = [] } = await asAws({ action: 'ec2:DescribeSubnets' }, () =>
    session.ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'subnet-id', Values: ids }] })),
  );
  const zones = new Map(Subnets.map(({ SubnetId, AvailabilityZone }) => [SubnetId, AvailabilityZone]));
  const covered = new Set(workerSubnets.map((id) => zones.get(id)));
  return hostSubnets.filter((id) => {
    const zone = zones.get(id);
    if (zone === undefined || covered.has(zone)) return false;
    covered.add(zone);
    return true;
  });
}

/** The buckets of other people's that sources are read from, sorted: the worker may read those, and no others. */
function sourceBuckets(inputs: InputLocations): string[] {
  const buckets = Object.values(inputs).flatMap((location) =>
    isReadByRole(location) ? new URL(location.url).host : [],
  );
  return [...new Set(buckets)].sort();
}

/** Those that the worker may read now. */
export async function deployedSourceBuckets({ foundation }: Pick<AwsLook, 'foundation'>): Promise<string[]> {
  const record = (await foundation.template())?.Metadata?.Prestage as { sourceBuckets?: string[] } | undefined;
  return record?.sourceBuckets ?? [];
}

/** The security groups of a file system's mount targets, sorted. @throws AWS_SETTINGS where it has none in this region */
async function mountTargetGroups({ session, environment }: AwsContext, FileSystemId: string): Promise<string[]> {
  const { efs } = session;
  const { MountTargets = [] } = await asAws(
    { action: 'elasticfilesystem:DescribeMountTargets', resource: FileSystemId },
    () => efs.send(new DescribeMountTargetsCommand({ FileSystemId })),
  );
  if (MountTargets.length === 0)
    throw new PrestageError(
      'AWS_SETTINGS',
      `File system ${FileSystemId}, which environment ${environment.name} names, has no mount target in ${environment.region}.`,
      {
        hint: 'Make one in each subnet of the worker and of hosts, or leave `storage` out: Prestage then makes a file system of its own.',
        context: { key: `environments.${environment.name}.storage.fileSystemId`, found: FileSystemId },
      },
    );
  const groups = await Promise.all(
    MountTargets.map(async ({ MountTargetId }) => {
      const found = await asAws(
        { action: 'elasticfilesystem:DescribeMountTargetSecurityGroups', resource: FileSystemId },
        () => efs.send(new DescribeMountTargetSecurityGroupsCommand({ MountTargetId })),
      );
      return found.SecurityGroups ?? [];
    }),
  );
  return [...new Set(groups.flat())].sort();
}
