import { CfnVPCEndpoint } from 'aws-cdk-lib/aws-ec2';
import { type CfnResource, Fn, type Stack } from 'aws-cdk-lib/core';
import { letIn, securityGroup } from '../cdk/security-groups.js';
import type { HostGroups } from './host-groups.js';
import type { HostNetwork } from './host-network.js';

const HTTPS = 443;

/** A way to Secrets Manager for hosts that have none to the internet: without it they cannot know the database's password. */
export function secretsEndpoint(stack: Stack, network: HostNetwork, groups: HostGroups): CfnResource {
  const group = securityGroup(stack, 'SecretsGroup', {
    vpcId: network.vpcId,
    name: 'secrets',
    description: 'The endpoint of Secrets Manager: in from hosts',
  });
  const passage = { from: groups.hosts.attrGroupId, to: group.attrGroupId, port: HTTPS };
  letIn(stack, 'SecretsHosts', { ...passage, description: 'Hosts to Secrets Manager' });
  return new CfnVPCEndpoint(stack, 'Secrets', {
    vpcId: network.vpcId,
    vpcEndpointType: 'Interface',
    serviceName: Fn.join('', ['com.amazonaws.', stack.region, '.secretsmanager']),
    subnetIds: network.subnetIds,
    securityGroupIds: [group.attrGroupId],
    privateDnsEnabled: true,
  });
}
