import { CfnVPCEndpoint } from 'aws-cdk-lib/aws-ec2';
import { type CfnResource, Fn, type Stack } from 'aws-cdk-lib/core';
import { letIn, securityGroup } from '../cdk/security-groups.js';
import type { HostGroups } from './host-groups.js';
import type { HostNetwork } from './host-network.js';
import { secretsOfHosts } from './host-secrets.js';
import type { InfrastructureInputs } from './inputs.js';

const HTTPS = 443;

interface Endpoint {
  id: string;
  /** For people. */
  name: string;
  /** The last part of its name at AWS. */
  service: string;
}

const SECRETS = { id: 'Secrets', name: 'Secrets Manager', service: 'secretsmanager' } satisfies Endpoint;
const PARAMETERS = { id: 'Parameters', name: 'Systems Manager', service: 'ssm' } satisfies Endpoint;

/** Ways to what hosts read secrets from, where they have none to the internet: without them they cannot know a password. */
export function secretEndpoints(
  stack: Stack,
  { network, services, data }: InfrastructureInputs,
  at: { network: HostNetwork; groups: HostGroups },
): CfnResource[] {
  if (network.kind !== 'own' || network.nat !== 'none') return [];
  const kinds = services.services.flatMap((service) => Object.values(secretsOfHosts(service)).map(({ kind }) => kind));
  return [
    ...(data !== undefined || kinds.includes('secret') ? [SECRETS] : []),
    ...(kinds.includes('parameter') ? [PARAMETERS] : []),
  ].map((endpoint) => interfaceEndpoint(stack, endpoint, at));
}

function interfaceEndpoint(
  stack: Stack,
  { id, name, service }: Endpoint,
  { network, groups }: { network: HostNetwork; groups: HostGroups },
): CfnResource {
  const group = securityGroup(stack, `${id}Group`, {
    vpcId: network.vpcId,
    name: id.toLowerCase(),
    description: `The endpoint of ${name}: in from hosts`,
  });
  const passage = { from: groups.hosts.attrGroupId, to: group.attrGroupId, port: HTTPS };
  letIn(stack, `${id}Hosts`, { ...passage, description: `Hosts to ${name}` });
  return new CfnVPCEndpoint(stack, id, {
    vpcId: network.vpcId,
    vpcEndpointType: 'Interface',
    serviceName: Fn.join('', ['com.amazonaws.', stack.region, `.${service}`]),
    subnetIds: network.subnetIds,
    securityGroupIds: [group.attrGroupId],
    privateDnsEnabled: true,
  });
}
