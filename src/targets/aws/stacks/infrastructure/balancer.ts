import { CfnSecurityGroup, CfnSecurityGroupEgress } from 'aws-cdk-lib/aws-ec2';
import { CfnListener, CfnLoadBalancer, CfnTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Stack } from 'aws-cdk-lib/core';
import type { ServicePlan } from '../../../../config/index.js';
import { allow, type HostGroups } from './host-groups.js';
import type { HostNetwork } from './host-network.js';
import type { Host } from './hosts.js';
import { logicalId } from './logical-id.js';
import { nameTag } from './name-tag.js';

export function isBalanced({ count, port }: ServicePlan, ha: boolean): boolean {
  return port !== undefined && (count > 1 || ha);
}

/** An internal network load balancer before a service's hosts; a host is behind it from when it is healthy. */
export function balancerOf(
  stack: Stack,
  service: ServicePlan & { port: number },
  hosts: readonly Host[],
  { network, groups }: { network: HostNetwork; groups: HostGroups },
): CfnLoadBalancer {
  const { name, port, health } = service;
  const group = new CfnSecurityGroup(stack, logicalId('BalancerGroup', name), {
    vpcId: network.vpcId,
    groupDescription: `Load balancer of ${name}: in from hosts, out to its hosts`,
    securityGroupEgress: [],
    tags: nameTag(stack, `${name}-balancer`),
  });
  allow(stack, logicalId('BalancerHosts', name), {
    from: groups.hosts,
    to: group,
    port,
    description: `Hosts to ${name}`,
  });
  const members = groups.ofService.get(name);
  if (members !== undefined) {
    allow(stack, logicalId('GroupBalancer', name), {
      from: group,
      to: members,
      port,
      description: `Its balancer to ${name}`,
    });
    new CfnSecurityGroupEgress(stack, logicalId('BalancerTargets', name), {
      groupId: group.attrGroupId,
      ipProtocol: 'tcp',
      fromPort: port,
      toPort: port,
      destinationSecurityGroupId: members.attrGroupId,
      description: `To the hosts of ${name}`,
    });
  }
  const balancer = new CfnLoadBalancer(stack, logicalId('Balancer', name), {
    type: 'network',
    scheme: 'internal',
    subnets: network.subnetIds,
    securityGroups: [group.attrGroupId],
    loadBalancerAttributes: [{ key: 'load_balancing.cross_zone.enabled', value: 'true' }],
    tags: nameTag(stack, name),
  });
  const targets = new CfnTargetGroup(stack, logicalId('Targets', name), {
    vpcId: network.vpcId,
    targetType: 'instance',
    protocol: 'TCP',
    port,
    targets: hosts.map(({ instance }) => ({ id: instance.ref })),
    ...(health?.kind === 'http'
      ? { healthCheckProtocol: 'HTTP', healthCheckPath: health.path, matcher: { httpCode: '200-399' } }
      : { healthCheckProtocol: 'TCP' }),
    healthCheckIntervalSeconds: 10,
    tags: nameTag(stack, name),
  });
  for (const { healthy } of hosts) targets.addDependency(healthy);
  new CfnListener(stack, logicalId('Listener', name), {
    loadBalancerArn: balancer.ref,
    protocol: 'TCP',
    port,
    defaultActions: [{ type: 'forward', targetGroupArn: targets.ref }],
  });
  return balancer;
}
