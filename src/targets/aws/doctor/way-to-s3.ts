import {
  DescribeRouteTablesCommand,
  DescribeVpcEndpointsCommand,
  type Route,
  type RouteTable,
  type Subnet,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import { failed, ok, type Verdict } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { awsCommand, type Examined, listed } from './examined.js';
import type { ExistingNetwork } from './network.js';

/** That machines in each subnet reach S3, by which they are installed, told what to do, and heard. */
export async function checkWayToS3(
  examined: Examined,
  { vpcId }: ExistingNetwork,
  subnets: readonly Subnet[],
  abortSignal: AbortSignal,
): Promise<Verdict> {
  const { session, environment } = examined;
  const Filters = [{ Name: 'vpc-id', Values: [vpcId] }];
  const service = `com.amazonaws.${environment.region}.s3`;
  const [{ RouteTables = [] }, { VpcEndpoints = [] }] = await Promise.all([
    asAws({ action: 'ec2:DescribeRouteTables', resource: vpcId }, () =>
      session.ec2.send(new DescribeRouteTablesCommand({ Filters }), { abortSignal }),
    ),
    asAws({ action: 'ec2:DescribeVpcEndpoints', resource: vpcId }, () =>
      session.ec2.send(
        new DescribeVpcEndpointsCommand({ Filters: [...Filters, { Name: 'service-name', Values: [service] }] }),
        { abortSignal },
      ),
    ),
  ]);
  const endpoints = VpcEndpoints.filter(({ State }) => State?.toLowerCase() === 'available');
  const ways = subnets.map((subnet) => {
    const table = tableOf(subnet, RouteTables);
    return { subnet, table, way: wayOf(subnet, table, endpoints) };
  });
  const without = ways.filter(({ way }) => way === undefined);
  const used = [...new Set(ways.flatMap(({ way }) => way ?? []))];
  if (without.length === 0) return ok(`S3 is reached by ${listed(used)}.`);
  const tables = [...new Set(without.flatMap(({ table }) => table?.RouteTableId ?? []))];
  const command = `ec2 create-vpc-endpoint --vpc-id ${vpcId} --service-name ${service} --route-table-ids ${tables.join(' ')}`;
  return failed(
    `Machines in ${listed(without.map(({ subnet }) => subnet.SubnetId ?? ''))} cannot reach S3: there is no gateway endpoint, and no route to the internet that they could use.`,
    `A gateway endpoint costs nothing: ${awsCommand(examined, command)}.`,
  );
}

/** The table that a subnet names, or else the main one of the VPC. */
function tableOf({ SubnetId }: Subnet, tables: readonly RouteTable[]): RouteTable | undefined {
  return (
    tables.find(({ Associations }) => Associations?.some((it) => it.SubnetId === SubnetId)) ??
    tables.find(({ Associations }) => Associations?.some(({ Main }) => Main))
  );
}

function wayOf(subnet: Subnet, table: RouteTable | undefined, endpoints: readonly VpcEndpoint[]): string | undefined {
  for (const { VpcEndpointId, VpcEndpointType, RouteTableIds, PrivateDnsEnabled } of endpoints) {
    if (RouteTableIds?.some((id) => id === table?.RouteTableId)) return `the gateway endpoint ${VpcEndpointId}`;
    if (VpcEndpointType === 'Interface' && PrivateDnsEnabled) return `the interface endpoint ${VpcEndpointId}`;
  }
  const route = table?.Routes?.find(
    ({ DestinationCidrBlock, State }) => DestinationCidrBlock === '0.0.0.0/0' && State !== 'blackhole',
  );
  return route && outOf(route, subnet);
}

/** An internet gateway is a way only for machines that have a public address. */
function outOf(
  { GatewayId, NatGatewayId, TransitGatewayId, NetworkInterfaceId }: Route,
  { MapPublicIpOnLaunch }: Subnet,
): string | undefined {
  if (GatewayId?.startsWith('igw-')) return MapPublicIpOnLaunch ? `the internet gateway ${GatewayId}` : undefined;
  return NatGatewayId ?? TransitGatewayId ?? NetworkInterfaceId ?? GatewayId;
}
