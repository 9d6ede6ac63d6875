import type { TargetResource } from '../target.js';
import type { DeployedStack } from './cloudformation/deployed-stack.js';
import { stackResources } from './cloudformation/stack-resources.js';
import { consoleLink } from './console-links.js';
import type { AwsLook } from './look.js';

/** Conditions that stacks wait for are nothing to look at, and the id of a handle is a signed URL. */
const HIDDEN = /^AWS::CloudFormation::WaitCondition/;

/** The environment's stacks, each followed by what is in it, with links to AWS' console. */
export async function resourcesOf(look: AwsLook): Promise<TargetResource[]> {
  const { foundation, data, infrastructure } = look;
  const found = await Promise.all([foundation, data, infrastructure].map((stack) => resourcesIn(stack, look)));
  return found.flat();
}

async function resourcesIn(stack: DeployedStack, { context }: AwsLook): Promise<TargetResource[]> {
  const state = await stack.state();
  if (state === undefined) return [];
  const { region } = context.environment;
  const resource = (name: string, resourceType: string, id: string, status: string): TargetResource => {
    const link = consoleLink(resourceType, id, region);
    return { stack: stack.name, resource: name, resourceType, id, status, ...(link === undefined ? {} : { link }) };
  };
  const within = await stackResources(context.session.cloudFormation, stack.name);
  return [
    resource(stack.name, 'AWS::CloudFormation::Stack', state.id, state.status),
    ...within
      .filter(({ ResourceType = '' }) => !HIDDEN.test(ResourceType))
      .map(({ LogicalResourceId = '', ResourceType = '', PhysicalResourceId = '', ResourceStatus = '' }) =>
        resource(LogicalResourceId, ResourceType, PhysicalResourceId, ResourceStatus),
      )
      .sort((a, b) => (a.resourceType + a.resource < b.resourceType + b.resource ? -1 : 1)),
  ];
}
