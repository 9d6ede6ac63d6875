import type { Deployment, ResourceChange, ServicesChange } from '../../target.js';
import { awsParts } from '../aws-parts.js';
import { readDeployments } from '../bucket/deployments.js';
import { stackChanges } from '../cloudformation/stack-changes.js';
import type { Template } from '../cloudformation/stack-state.js';
import { type AwsContext, findPlace, type Place } from '../context.js';
import { dataChanges, planData } from '../data/data-stack.js';
import { foundationInputs } from '../foundation.js';
import { missingHosts } from '../hosts/find-hosts.js';
import { deployedInfrastructure, infrastructureInputs, isRecorded, recordOf } from '../infrastructure.js';
import { foundationStackName, infrastructureStackName } from '../names.js';
import { unknownOutputs } from '../stacks/foundation-outputs.js';
import type { DataOutputs, InfrastructureInputs } from '../stacks/inputs.js';
import { hostChanges } from './host-changes.js';

/** An agent and a job that are not made yet: a plan shows what would change, and nothing of that depends on them. */
const NOT_MADE = { agent: '0'.repeat(64), job: '0'.repeat(64) };

/** What phase 2 would change, as CloudFormation sees it where there is a stack; changes nothing. */
export async function planInfrastructure(context: AwsContext, deployment: Deployment): Promise<ServicesChange> {
  const scope = { project: context.project, environment: context.environment.name };
  const place = await findPlace(context);
  const deployed = await deployedInfrastructure(context);
  const location = place ?? { scope: await context.scope(), outputs: unknownOutputs() };
  const { change, outputs } = await planData(context, location, deployment);
  const wanted = await wantedInfrastructure(context, place, deployment, { deployed, data: outputs });
  const hosts = hostChanges(deployed, wanted);
  const resources = [
    ...(await foundationChanges(context, place)),
    ...(await dataChanges(context, location, deployment)),
    ...(await stackChanges(context.session, infrastructureStackName(scope), wanted, place?.bucket)),
  ];
  const imageId = recordOf(wanted)?.imageId ?? '';
  const recorded = place !== undefined && isRecorded(await readDeployments(place.bucket), deployment, imageId);
  const action = resources.length === 0 && recorded ? 'unchanged' : 'apply';
  return {
    action,
    reason: reasonOf(action, resources, place),
    hosts,
    database: change.action,
    ...(change.detail === '' ? {} : { databaseDetail: change.detail }),
    resources,
  };
}

async function wantedInfrastructure(
  context: AwsContext,
  place: Place | undefined,
  deployment: Deployment,
  given: { deployed: Template | undefined; data: DataOutputs | undefined },
): Promise<Template> {
  const inputs = await wantedInputs(context, place, deployment, given);
  const { synthesizeInfrastructure } = await awsParts(() => import('../stacks/infrastructure.js'));
  return synthesizeInfrastructure(inputs).template;
}

/** What phase 2 would be made from, as far as that is known before phase 1. */
export async function wantedInputs(
  context: AwsContext,
  place: Place | undefined,
  deployment: Deployment,
  given: { deployed: Template | undefined; data: DataOutputs | undefined },
): Promise<InfrastructureInputs> {
  const scope = await context.scope();
  return infrastructureInputs(context, place ?? { scope, outputs: unknownOutputs() }, deployment, {
    ...given,
    fallback: async () => NOT_MADE,
    missing: () => missingHosts(context, given.deployed),
  });
}

async function foundationChanges(context: AwsContext, place: Place | undefined): Promise<ResourceChange[]> {
  const { synthesizeFoundation } = await awsParts(() => import('../stacks/foundation.js'));
  const { template } = synthesizeFoundation(await foundationInputs(context));
  const scope = { project: context.project, environment: context.environment.name };
  return stackChanges(context.session, foundationStackName(scope), template, place?.bucket);
}

function reasonOf(action: ServicesChange['action'], resources: ResourceChange[], place: Place | undefined): string {
  if (action === 'unchanged') return 'all stacks are as they should be';
  if (place === undefined) return 'nothing is there yet';
  if (resources.length === 0) return 'no resource changes; the release becomes current';
  const replaced = resources.filter((change) => change.action === 'replace').length;
  return `${resources.length} resources change${replaced === 0 ? '' : `, ${replaced} of them by replacement`}`;
}
