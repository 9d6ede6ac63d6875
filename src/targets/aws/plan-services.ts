import type { Deployment, ResourceChange, ServicesChange } from '../target.js';
import { awsParts } from './api/aws-parts.js';
import { stackChanges } from './cloudformation/stack-changes.js';
import { dataChanges, planData } from './data/ensure-data.js';
import type { Place } from './environment/context.js';
import { foundationInputs } from './foundation/ensure-foundation.js';
import { hostChanges } from './hosts/host-changes.js';
import { isRecorded } from './infrastructure/collect-inputs.js';
import { recordOf } from './infrastructure/record.js';
import { synthesizedInfrastructure, wantedInputs } from './infrastructure/wanted.js';
import type { AwsLook } from './look.js';

/** What phase 2 would change, as CloudFormation sees it where there is a stack; changes nothing. */
export async function planInfrastructure(look: AwsLook, deployment: Deployment): Promise<ServicesChange> {
  const { context, infrastructure } = look;
  const place = await look.place();
  const { change } = await planData(look, deployment);
  const { template: wanted } = await synthesizedInfrastructure(await wantedInputs(look, deployment));
  const hosts = hostChanges(await infrastructure.template(), wanted);
  const resources = [
    ...(await foundationChanges(look, place)),
    ...(await dataChanges(look, deployment)),
    ...(await stackChanges(context.session, infrastructure, wanted, place?.bucket)),
  ];
  const imageId = recordOf(wanted)?.imageId ?? '';
  const recorded = isRecorded(await look.lastDeployment(), deployment, imageId);
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

async function foundationChanges(look: AwsLook, place: Place | undefined): Promise<ResourceChange[]> {
  const { synthesizeFoundation } = await awsParts(() => import('./foundation/stack.js'));
  const { template } = synthesizeFoundation(await foundationInputs(look));
  return stackChanges(look.context.session, look.foundation, template, place?.bucket);
}

function reasonOf(action: ServicesChange['action'], resources: ResourceChange[], place: Place | undefined): string {
  if (action === 'unchanged') return 'all stacks are as they should be';
  if (place === undefined) return 'nothing is there yet';
  if (resources.length === 0) return 'no resource changes; the release becomes current';
  const replaced = resources.filter((change) => change.action === 'replace').length;
  return `${resources.length} resources change${replaced === 0 ? '' : `, ${replaced} of them by replacement`}`;
}
