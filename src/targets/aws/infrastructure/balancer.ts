import type { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnListener, CfnLoadBalancer, CfnTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Stack } from 'aws-cdk-lib/core';
import type { HealthCheck, ServicePlan } from '../../../plan/index.js';
import { logicalId, nameTag } from '../cdk/names.js';
import { letIn, letOut, securityGroup } from '../cdk/security-groups.js';
import type { HostGroups } from './host-groups.js';
import type { HostNetwork } from './host-network.js';
import type { Host } from './hosts.js';

export function isBalanced({ count, port }: ServicePlan, ha: boolean): boolean {
  return port !== undefined && (count > 1 || ha);
}

/** A service's balancer, and what it takes connections by. */
interface Balancer {
  balancer: CfnLoadBalancer;
  group: CfnSecurityGroup;
  listener: CfnListener;
}

/** Seconds in which a target that is taken out still gets new connections: AWS says 3 to 5 minutes. A deployment waits for that. */
const DRAINING = '300';

/** As the hosts check themselves; but a balancer cannot send headers, and then only connects. */
function balancerCheck(health: HealthCheck | undefined) {
  if (health?.kind !== 'http' || health.headers) return { healthCheckProtocol: 'TCP' };
  return {
    healthCheckProtocol: health.secure ? 'HTTPS' : 'HTTP',
    healthCheckPath: health.path,
    matcher: { httpCode: health.status?.join(',') ?? '200-399' },
  };
}

/** An internal network load balancer before a service's hosts; a host is behind it from when it is healthy. */
export function balancerOf(
  stack: Stack,
  service: ServicePlan & { port: number },
  hosts: readonly Host[],
  { network, groups }: { network: HostNetwork; groups: HostGroups },
): Balancer {
  const { name, port, health } = service;
  // With the port, so that the ways to a former one stay until nobody asks there any more.
  const id = (kind: string) => `${logicalId(kind, name)}Port${port}`;
  const group = securityGroup(stack, logicalId('BalancerGroup', name), {
    vpcId: network.vpcId,
    name: `${name}-balancer`,
    description: `Load balancer of ${name}: in from hosts, out to its hosts`,
  });
  const own = group.attrGroupId;
  const description = `By the balancer of ${name}`;
  letIn(stack, id('BalancerHosts'), { from: groups.hosts.attrGroupId, to: own, port, description });
  const members = groups.ofService.get(name)?.attrGroupId ?? '';
  letOut(stack, id('BalancerTargets'), { from: own, to: members, port, description });
  letIn(stack, id('GroupBalancer'), { from: own, to: members, port, description });
  const balancer = new CfnLoadBalancer(stack, logicalId('Balancer', name), {
    type: 'network',
    scheme: 'internal',
    subnets: network.subnetIds,
    securityGroups: [own],
    loadBalancerAttributes: [{ key: 'load_balancing.cross_zone.enabled', value: 'true' }],
    tags: nameTag(stack, name),
  });
  const targets = new CfnTargetGroup(stack, id('Targets'), {
    vpcId: network.vpcId,
    targetType: 'instance',
    protocol: 'TCP',
    port,
    targets: hosts.map(({ instance }) => ({ id: instance.ref })),
    ...balancerCheck(health),
    healthCheckIntervalSeconds: 10,
    healthyThresholdCount: 2,
    targetGroupAttributes: [
      // Else a host that is sent back to itself by its own balancer gets no answer.
      { key: 'preserve_client_ip.enabled', value: 'false' },
      { key: 'deregistration_delay.timeout_seconds', value: DRAINING },
    ],
    tags: nameTag(stack, name),
  });
  for (const { healthy } of hosts) targets.addResourceDependency(healthy);
  const listener = new CfnListener(stack, id('Listener'), {
    loadBalancerArn: balancer.ref,
    protocol: 'TCP',
    port,
    defaultActions: [{ type: 'forward', targetGroupArn: targets.ref }],
  });
  return { balancer, group, listener };
}
