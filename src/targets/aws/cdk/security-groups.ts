import { CfnSecurityGroup, CfnSecurityGroupEgress, CfnSecurityGroupIngress } from 'aws-cdk-lib/aws-ec2';
import type { Stack } from 'aws-cdk-lib/core';
import { nameTag } from './names.js';

/** A group without rules gets one that lets everything out; this one, which nothing fits, stands in its place. */
const NOTHING_OUT: CfnSecurityGroup.EgressProperty[] = [
  { ipProtocol: 'icmp', cidrIp: '255.255.255.255/32', fromPort: 252, toPort: 86, description: 'Nothing' },
];

export interface GroupSettings {
  vpcId: string;
  /** Its name in the console. */
  name: string;
  description: string;
  /** What its members may reach; absent: nothing but what further rules say. */
  out?: CfnSecurityGroup.EgressProperty[];
}

export function securityGroup(
  stack: Stack,
  id: string,
  { vpcId, name, description, out }: GroupSettings,
): CfnSecurityGroup {
  return new CfnSecurityGroup(stack, id, {
    vpcId,
    groupDescription: description,
    securityGroupEgress: out ?? NOTHING_OUT,
    tags: nameTag(stack, name),
  });
}

export interface Passage {
  /** Groups' ids. */
  from: string;
  to: string;
  port: number;
  description: string;
}

/** Lets the members of a group in at a port of the other's. */
export function letIn(stack: Stack, id: string, { from, to, port, description }: Passage): void {
  new CfnSecurityGroupIngress(stack, id, {
    groupId: to,
    ipProtocol: 'tcp',
    fromPort: port,
    toPort: port,
    sourceSecurityGroupId: from,
    description,
  });
}

/** Lets others in at a port of a group's members: an IPv4 network, a security group or a prefix list that is there already. */
export function letOthersIn(stack: Stack, id: string, { from, to, port, description }: Passage): void {
  new CfnSecurityGroupIngress(stack, id, {
    groupId: to,
    ipProtocol: 'tcp',
    fromPort: port,
    toPort: port,
    ...(from.startsWith('sg-')
      ? { sourceSecurityGroupId: from }
      : from.startsWith('pl-')
        ? { sourcePrefixListId: from }
        : { cidrIp: from }),
    description,
  });
}

/** Lets the members of a group reach a port of the other's. */
export function letOut(stack: Stack, id: string, { from, to, port, description }: Passage): void {
  new CfnSecurityGroupEgress(stack, id, {
    groupId: from,
    ipProtocol: 'tcp',
    fromPort: port,
    toPort: port,
    destinationSecurityGroupId: to,
    description,
  });
}
