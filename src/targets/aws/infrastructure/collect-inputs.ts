import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { canonicalJson, type Json } from '../../../core/digest.js';
import { PrestageError } from '../../../core/errors.js';
import type { DeployedRelease, Deployment } from '../../target.js';
import { asAws } from '../api/aws-failure.js';
import type { DataOutputs } from '../data/inputs.js';
import type { AwsContext, Place } from '../environment/context.js';
import { IMAGE_PARAMETER } from '../environment/machine.js';
import { deployedSourceBuckets } from '../foundation/ensure-foundation.js';
import { missingHosts } from '../hosts/find-hosts.js';
import type { AwsLook } from '../look.js';
import type { AgentInputs } from '../scripts/inputs.js';
import type { InfrastructureInputs } from './inputs.js';
import { type InfrastructureRecord, recordOf } from './record.js';

/** What phase 2 is to be made from. `fallback` makes what a jump host is given, where the deployed one is of no use. */
export async function infrastructureInputs(
  look: AwsLook,
  { scope, outputs }: Pick<Place, 'scope' | 'outputs'>,
  { release, services, image }: Deployment,
  given: { data: DataOutputs | undefined; fallback: () => Promise<AgentInputs> },
): Promise<InfrastructureInputs> {
  const { context } = look;
  const { network, ha, instanceTypes } = context.environment;
  const record = recordOf(await look.infrastructure.template());
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
    sourceBuckets: await deployedSourceBuckets(look),
    generations: nextGenerations(same, same === undefined ? [] : await missingHosts(look)),
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

/** A host that is missing gets the next number, which makes it another resource: CloudFormation then makes its instance again. */
function nextGenerations(same: InfrastructureRecord | undefined, missing: readonly string[]): Record<string, number> {
  const generations = { ...same?.generations };
  for (const host of missing) generations[host] = (generations[host] ?? 0) + 1;
  return generations;
}

/** Whether this very deployment is the one that the history ends with. */
export function isRecorded(
  last: DeployedRelease | undefined,
  { release, services }: Pick<Deployment, 'release' | 'services'>,
  imageId: string,
): boolean {
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
