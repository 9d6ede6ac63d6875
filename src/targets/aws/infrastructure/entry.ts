import type { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { CfnLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { CfnOutput, type Stack } from 'aws-cdk-lib/core';
import { sha256 } from '../../../core/digest.js';
import type { ServicePlan } from '../../../plan/index.js';
import { logicalId } from '../cdk/names.js';
import { letOthersIn } from '../cdk/security-groups.js';
import { entryOutputs } from './entry-outputs.js';
import { serviceAddress } from './zone.js';

/** Lets in at a service's port who is allowed to beside our hosts, and tells others how they get there. */
export function openEntry(
  stack: Stack,
  { name, port, allow = [] }: ServicePlan,
  { group, balancer, zone }: { group: CfnSecurityGroup; balancer: CfnLoadBalancer | undefined; zone: string },
): void {
  if (port === undefined) return;
  for (const from of allow)
    letOthersIn(stack, `${logicalId('Allow', name)}${sha256(from).slice(0, 8)}Port${port}`, {
      ...{ from, to: group.attrGroupId, port },
      description: `Allowed to ${name}`,
    });
  const outputs = entryOutputs(name);
  new CfnOutput(stack, `${outputs.address}Output`, {
    value: `${serviceAddress(name, zone)}:${port}`,
    description: `Where ${name} is`,
  }).overrideLogicalId(outputs.address);
  new CfnOutput(stack, `${outputs.group}Output`, {
    value: group.attrGroupId,
    description: `The security group that guards ${name}`,
  }).overrideLogicalId(outputs.group);
  if (balancer !== undefined)
    new CfnOutput(stack, `${outputs.balancer}Output`, {
      value: balancer.attrDnsName,
      description: `The load balancer of ${name}`,
    }).overrideLogicalId(outputs.balancer);
}
