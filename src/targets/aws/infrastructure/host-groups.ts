import type { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { Stack } from 'aws-cdk-lib/core';
import type { ServicePlan } from '../../../plan/index.js';
import { logicalId } from '../cdk/names.js';
import { letIn, securityGroup } from '../cdk/security-groups.js';

/** Security groups by need: every host has that of all hosts, and one of its service. */
export interface HostGroups {
  /** Which services and the database let in. */
  hosts: CfnSecurityGroup;
  ofService: ReadonlyMap<string, CfnSecurityGroup>;
}

export function hostGroups(stack: Stack, vpcId: string, services: readonly ServicePlan[]): HostGroups {
  const hosts = securityGroup(stack, 'HostsGroup', {
    vpcId,
    name: 'hosts',
    description: 'All hosts: out to anywhere, in from nowhere',
    // Boot scripts install what they need from wherever that is.
    out: [{ ipProtocol: '-1', cidrIp: '0.0.0.0/0', description: 'Whatever a boot script needs' }],
  });
  const ofService = new Map<string, CfnSecurityGroup>();
  for (const { name, port } of services) {
    if (port === undefined) continue;
    const group = securityGroup(stack, logicalId('Group', name), {
      vpcId,
      name,
      description: `Hosts of ${name}: in to its port`,
    });
    const passage = { from: hosts.attrGroupId, to: group.attrGroupId, port, description: `Hosts to ${name}` };
    letIn(stack, `${logicalId('GroupHosts', name)}Port${port}`, passage);
    ofService.set(name, group);
  }
  return { hosts, ofService };
}
