import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { canonicalJson, type Json } from '../../core/digest.js';
import { PrestageError } from '../../core/errors.js';
import type { DeployedRelease, Deployment } from '../target.js';
import { asAws } from './aws-failure.js';
import { deployedTemplate, type StackState, type Template } from './cloudformation/stack-state.js';
import type { AwsContext, Place } from './context.js';
import { deployedSourceBuckets } from './foundation.js';
import { IMAGE_PARAMETER } from './image-parameter.js';
import { infrastructureStackName } from './names.js';
import type { AgentInputs } from './scripts/inputs.js';
import type { DataOutputs, InfrastructureInputs } from './stacks/inputs.js';

/** What the infrastructure's template says of itself, so that a later deployment can keep what need not change. */
export interface InfrastructureRecord {
  release: string;
  imageId: string;
  fallback: AgentInputs;
  /** How often a host was made again on this release because its instance was gone; hosts that never were are left out. */
  generations?: Readonly<Record<string, number>>;
}

/** The record of the deployed infrastructure. */
export function recordOf(template: Template | undefined): InfrastructureRecord | undefined {
  const record = template?.Metadata?.Prestage as Partial<InfrastructureRecord> | undefined;
  const isWhole = record?.release !== undefined && record.imageId !== undefined && record.fallback !== undefined;
  return isWhole ? (record as InfrastructureRecord) : undefined;
}

/**
 * What phase 2 is to be made from. `fallback` makes what a jump host is given, where the deployed one is of no use; `missing` says
 * which hosts have no instance any more.
 */
export async function infrastructureInputs(
  context: AwsContext,
  { scope, outputs }: Pick<Place, 'scope' | 'outputs'>,
  { release, services, image }: Deployment,
  given: {
    deployed: Template | undefined;
    data: DataOutputs | undefined;
    fallback: () => Promise<AgentInputs>;
    missing: () => Promise<readonly string[]>;
  },
): Promise<InfrastructureInputs> {
  const { network, ha, instanceTypes } = context.environment;
  const record = recordOf(given.deployed);
  // Hosts on the same release stay as they are when Prestage is another version.
  const same = record?.release === release.release ? record : undefined;
  return {
    scope,
    network,
    ha,
    instanceTypes,
    foundation: outputs,
    release,
    services,
    data: given.data,
    imageId: await imageFor(context, image, record),
    fallback: same?.fallback ?? (await given.fallback()),
    sourceBuckets: await deployedSourceBuckets(context),
    generations: nextGenerations(same, same === undefined ? [] : await given.missing()),
  };
}

/** Amazon publishes another image each week or two: hosts get it when somebody says so, never beside another change. */
async function imageFor(
  context: AwsContext,
  wanted: Deployment['image'],
  record: InfrastructureRecord | undefined,
): Promise<string> {
  if (wanted === 'newest') return newestImage(context);
  return wanted?.id ?? record?.imageId ?? newestImage(context);
}

/** A host that is missing gets the next number, which makes it another resource: CloudFormation then makes its instance anew. */
function nextGenerations(same: InfrastructureRecord | undefined, missing: readonly string[]): Record<string, number> {
  const generations = { ...same?.generations };
  for (const host of missing) generations[host] = (generations[host] ?? 0) + 1;
  return generations;
}

/** The output of the stack that says so. A tag of the stack would be one of everything in it, and each release a change of all that. */
export const RELEASE_OUTPUT = 'Release';

/** The release that hosts are on; undefined where there are none. */
export function releaseOf(stack: StackState | undefined): string | undefined {
  return stack?.outputs[RELEASE_OUTPUT];
}

export async function deployedInfrastructure({
  session,
  project,
  environment,
}: AwsContext): Promise<Template | undefined> {
  return deployedTemplate(session.cloudFormation, infrastructureStackName({ project, environment: environment.name }));
}

/** Whether the history ends with this very deployment. */
export function isRecorded(
  deployments: readonly DeployedRelease[],
  { release, services }: Pick<Deployment, 'release' | 'services'>,
  imageId: string,
): boolean {
  const last = deployments.at(-1);
  if (last?.release !== release.release || last.image !== imageId) return false;
  return canonicalJson(last.services as Json) === canonicalJson(services as Json);
}

async function newestImage({ session, environment }: AwsContext): Promise<string> {
  const { Parameter } = await asAws({ action: 'ssm:GetParameter', resource: IMAGE_PARAMETER }, () =>
    session.ssm.send(new GetParameterCommand({ Name: IMAGE_PARAMETER })),
  );
  if (Parameter?.Value !== undefined) return Parameter.Value;
  throw new PrestageError(
    'AWS_FAILED',
    `AWS names no image of Amazon Linux 2023 in ${environment.region} (${IMAGE_PARAMETER}).`,
  );
}
