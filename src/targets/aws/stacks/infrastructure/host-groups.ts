import { CfnSecurityGroup, CfnSecurityGroupIngress } from 'aws-cdk-lib/aws-ec2';
import type { Stack } from 'aws-cdk-lib/core';
import type { ServicePlan } from '../../../../config/index.js';
import { logicalId } from './logical-id.js';
import { nameTag } from './name-tag.js';

/** Security groups by need: every host has that of all hosts, and one of its service. */
export interface HostGroups {
  /** Which services and the database let in. */
  hosts: CfnSecurityGroup;
  ofService: ReadonlyMap<string, CfnSecurityGroup>;
}

export function hostGroups(stack: Stack, vpcId: string, services: readonly ServicePlan[]): HostGroups {
  const hosts = new CfnSecurityGroup(stack, 'HostsGroup', {
    vpcId,
    groupDescription: 'All hosts: out to anywhere, in from nowhere',
    // Boot scripts install what they need from wherever that is.
    securityGroupEgress: [{ ipProtocol: '-1', cidrIp: '0.0.0.0/0', description: 'Whatever a boot script needs' }],
    tags: nameTag(stack, 'hosts'),
  });
  const ofService = new Map<string, CfnSecurityGroup>();
  for (const { name, port } of services) {
    if (port === undefined) continue;
    const group = new CfnSecurityGroup(stack, logicalId('Group', name), {
      vpcId,
      groupDescription: `Hosts of ${name}: in to its port`,
      securityGroupEgress: [],
      tags: nameTag(stack, name),
    });
    allow(stack, logicalId('GroupHosts', name), { from: hosts, to: group, port, description: `Hosts to ${name}` });
    ofService.set(name, group);
  }
  return { hosts, ofService };
}

/** Lets the members of a group in at the port of another. */
export function allow(
  stack: Stack,
  id: string,
  { from, to, port, description }: { from: CfnSecurityGroup; to: CfnSecurityGroup; port: number; description: string },
): void {
  new CfnSecurityGroupIngress(stack, id, {
    groupId: to.attrGroupId,
    ipProtocol: 'tcp',
    fromPort: port,
    toPort: port,
    sourceSecurityGroupId: from.attrGroupId,
    description,
  });
}
