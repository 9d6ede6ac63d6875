import { CfnSecurityGroup, CfnVPCEndpoint } from 'aws-cdk-lib/aws-ec2';
import { type CfnResource, Fn, type Stack } from 'aws-cdk-lib/core';
import { allow, type HostGroups } from './host-groups.js';
import type { HostNetwork } from './host-network.js';
import { nameTag } from './name-tag.js';

const HTTPS = 443;

/** A way to Secrets Manager for hosts that have none to the internet: without it they cannot know the database's password. */
export function secretsEndpoint(stack: Stack, network: HostNetwork, groups: HostGroups): CfnResource {
  const group = new CfnSecurityGroup(stack, 'SecretsGroup', {
    vpcId: network.vpcId,
    groupDescription: 'The endpoint of Secrets Manager: in from hosts',
    securityGroupEgress: [],
    tags: nameTag(stack, 'secrets'),
  });
  allow(stack, 'SecretsHosts', { from: groups.hosts, to: group, port: HTTPS, description: 'Hosts to Secrets Manager' });
  return new CfnVPCEndpoint(stack, 'Secrets', {
    vpcId: network.vpcId,
    vpcEndpointType: 'Interface',
    serviceName: Fn.join('', ['com.amazonaws.', stack.region, '.secretsmanager']),
    subnetIds: network.subnetIds,
    securityGroupIds: [group.attrGroupId],
    privateDnsEnabled: true,
  });
}
