import type { CfnLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { CfnHostedZone, CfnRecordSet } from 'aws-cdk-lib/aws-route53';
import type { Stack } from 'aws-cdk-lib/core';
import type { ServicePlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import { logicalId } from '../cdk/names.js';
import type { Host } from './hosts.js';
import { hostAddress, serviceAddress } from './zone.js';

/** Seconds that a name may be remembered: a host may be replaced, and who has its old address must ask again before that goes. */
export const NAME_SECONDS = 10;
const TTL = String(NAME_SECONDS);

export function privateZone(stack: Stack, name: string, vpcId: string): CfnHostedZone {
  return new CfnHostedZone(stack, 'Zone', { name, vpcs: [{ vpcId, vpcRegion: stack.region }] });
}

/** A name for each host and one for the service. Each moves to a new host when that is healthy. */
export function recordsOf(
  stack: Stack,
  service: ServicePlan,
  hosts: readonly Host[],
  { zone, balancer }: { zone: { resource: CfnHostedZone; name: string }; balancer: CfnLoadBalancer | undefined },
): CfnRecordSet[] {
  const hostedZoneId = zone.resource.ref;
  const ofHosts = hosts.map(({ index, instance, healthy }) => {
    const record = new CfnRecordSet(stack, logicalId('Name', hostName(service.name, index)), {
      hostedZoneId,
      name: hostAddress(service.name, index, zone.name),
      type: 'A',
      ttl: TTL,
      resourceRecords: [instance.attrPrivateIp],
    });
    record.addResourceDependency(healthy);
    return record;
  });
  const ofService = new CfnRecordSet(stack, logicalId('Name', service.name), {
    hostedZoneId,
    name: serviceAddress(service.name, zone.name),
    type: 'A',
    ...(balancer === undefined
      ? { ttl: TTL, resourceRecords: hosts.map(({ instance }) => instance.attrPrivateIp) }
      : {
          aliasTarget: {
            dnsName: balancer.attrDnsName,
            hostedZoneId: balancer.attrCanonicalHostedZoneId,
            evaluateTargetHealth: false,
          },
        }),
  });
  for (const { healthy } of hosts) ofService.addResourceDependency(healthy);
  return [...ofHosts, ofService];
}
