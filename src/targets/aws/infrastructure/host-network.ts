import {
  CfnEIP,
  CfnInternetGateway,
  CfnNatGateway,
  CfnRoute,
  CfnRouteTable,
  CfnSubnet,
  CfnSubnetRouteTableAssociation,
  CfnVPCEndpoint,
  CfnVPCGatewayAttachment,
} from 'aws-cdk-lib/aws-ec2';
import type { CfnResource } from 'aws-cdk-lib/core';
import { Fn, type Stack } from 'aws-cdk-lib/core';
import { addressPlan } from '../cdk/address-plan.js';
import { nameTag } from '../cdk/names.js';
import type { InfrastructureInputs } from './inputs.js';

/** Where hosts are: a subnet in each zone. */
export interface HostNetwork {
  vpcId: string;
  subnetIds: string[];
  /** What must be there before a host has its way to the internet and to S3. */
  ways: CfnResource[];
}

const ANYWHERE = '0.0.0.0/0';

/** Subnets for hosts in the foundation's VPC, with the way out that the configuration says; or those that are there. */
export function hostNetwork(stack: Stack, { network, foundation }: InfrastructureInputs): HostNetwork {
  const { VpcId: vpcId } = foundation;
  if (network.kind === 'existing') return { vpcId, subnetIds: network.hostSubnets, ways: [] };
  const plan = addressPlan(network.cidr);
  const gateways = network.nat === 'none' ? [] : natGateways(stack, vpcId, plan.public, network.nat);
  const subnetIds: string[] = [];
  const tables: CfnRouteTable[] = [];
  const ways: CfnResource[] = [];
  plan.private.forEach((cidrBlock, zone) => {
    const subnet = subnetIn(stack, { name: 'Private', zone, vpcId, cidrBlock });
    const table = new CfnRouteTable(stack, `PrivateRoutes${zone}`, { vpcId, tags: nameTag(stack, `private-${zone}`) });
    const association = new CfnSubnetRouteTableAssociation(stack, `PrivateSubnet${zone}Routes`, {
      subnetId: subnet.ref,
      routeTableId: table.ref,
    });
    const gateway = gateways[zone] ?? gateways[0];
    const wayOut =
      gateway &&
      new CfnRoute(stack, `PrivateRoutes${zone}Internet`, {
        routeTableId: table.ref,
        destinationCidrBlock: ANYWHERE,
        natGatewayId: gateway.ref,
      });
    subnetIds.push(subnet.ref);
    tables.push(table);
    ways.push(association, ...(wayOut === undefined ? [] : [wayOut]));
  });
  // Its own beside the foundation's, since neither stack touches the other's route tables. What hosts may read, their roles say.
  const s3 = new CfnVPCEndpoint(stack, 'PrivateS3', {
    vpcId,
    vpcEndpointType: 'Gateway',
    serviceName: Fn.join('', ['com.amazonaws.', stack.region, '.s3']),
    routeTableIds: tables.map((table) => table.ref),
  });
  return { vpcId, subnetIds, ways: [...ways, s3] };
}

/** By zone; with `one`, the first zone's alone. */
function natGateways(stack: Stack, vpcId: string, cidrs: readonly string[], nat: 'one' | 'per-zone'): CfnNatGateway[] {
  const internet = new CfnInternetGateway(stack, 'InternetGateway', { tags: nameTag(stack, 'internet') });
  const attachment = new CfnVPCGatewayAttachment(stack, 'InternetGatewayAttachment', {
    vpcId,
    internetGatewayId: internet.ref,
  });
  const table = new CfnRouteTable(stack, 'PublicRoutes', { vpcId, tags: nameTag(stack, 'public') });
  const route = new CfnRoute(stack, 'PublicRoutesInternet', {
    routeTableId: table.ref,
    destinationCidrBlock: ANYWHERE,
    gatewayId: internet.ref,
  });
  route.addResourceDependency(attachment);
  return (nat === 'one' ? cidrs.slice(0, 1) : cidrs).map((cidrBlock, zone) => {
    const subnet = subnetIn(stack, { name: 'Public', zone, vpcId, cidrBlock });
    const association = new CfnSubnetRouteTableAssociation(stack, `PublicSubnet${zone}Routes`, {
      subnetId: subnet.ref,
      routeTableId: table.ref,
    });
    const address = new CfnEIP(stack, `NatAddress${zone}`, { domain: 'vpc', tags: nameTag(stack, `nat-${zone}`) });
    address.addResourceDependency(attachment);
    const gateway = new CfnNatGateway(stack, `NatGateway${zone}`, {
      subnetId: subnet.ref,
      allocationId: address.attrAllocationId,
      tags: nameTag(stack, `nat-${zone}`),
    });
    gateway.addResourceDependency(route);
    gateway.addResourceDependency(association);
    return gateway;
  });
}

function subnetIn(
  stack: Stack,
  { name, zone, vpcId, cidrBlock }: { name: 'Private' | 'Public'; zone: number; vpcId: string; cidrBlock: string },
): CfnSubnet {
  return new CfnSubnet(stack, `${name}Subnet${zone}`, {
    vpcId,
    cidrBlock,
    // The same as the foundation's subnets have: mount targets are in these zones.
    availabilityZone: Fn.select(zone, Fn.getAzs()),
    mapPublicIpOnLaunch: false,
    tags: nameTag(stack, `${name.toLowerCase()}-${zone}`),
  });
}
