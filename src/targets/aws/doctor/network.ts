import {
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  type Subnet,
} from '@aws-sdk/client-ec2';
import type { AwsNetwork } from '../../../plan/index.js';
import { failed, ok, type Verdict } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { awsCommand, type Examined, listed } from './examined.js';

/** A VPC that the configuration names, with its subnets. */
export type ExistingNetwork = Extract<AwsNetwork, { kind: 'existing' }>;

/** That it is there, and that names in it are resolved: of the file system's mount targets, and of our own zone. */
export async function checkVpc(
  examined: Examined,
  { vpcId }: ExistingNetwork,
  abortSignal: AbortSignal,
): Promise<Verdict> {
  const { ec2 } = examined.session;
  const { environment } = examined;
  const { Vpcs: [vpc] = [] } = await asAws({ action: 'ec2:DescribeVpcs', resource: vpcId }, () =>
    ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] }), { abortSignal }),
  );
  if (vpc === undefined)
    return failed(
      `There is no VPC ${vpcId} in ${environment.region}.`,
      `Correct \`environments.${environment.name}.vpc.id\`.`,
    );
  const attribute = (Attribute: 'enableDnsSupport' | 'enableDnsHostnames') =>
    asAws({ action: 'ec2:DescribeVpcAttribute', resource: vpcId }, () =>
      ec2.send(new DescribeVpcAttributeCommand({ VpcId: vpcId, Attribute }), { abortSignal }),
    );
  const [support, hostnames] = await Promise.all([attribute('enableDnsSupport'), attribute('enableDnsHostnames')]);
  const off = [
    ...(support.EnableDnsSupport?.Value ? [] : ['dns-support']),
    ...(hostnames.EnableDnsHostnames?.Value ? [] : ['dns-hostnames']),
  ];
  if (off.length === 0) return ok(`VPC ${vpcId} (${vpc.CidrBlock}) resolves names.`);
  const commands = off.map((name) =>
    awsCommand(examined, `ec2 modify-vpc-attribute --vpc-id ${vpcId} --enable-${name}`),
  );
  return failed(
    `VPC ${vpcId} has ${listed(off)} switched off, and machines find the file system and each other by names.`,
    `Switch it on: ${commands.join(' and ')}.`,
  );
}

/** The subnets that the configuration names and that are there. */
export async function findSubnets(
  { session }: Examined,
  { workerSubnets, hostSubnets }: ExistingNetwork,
): Promise<Subnet[]> {
  const { Subnets = [] } = await asAws({ action: 'ec2:DescribeSubnets' }, () =>
    session.ec2.send(
      new DescribeSubnetsCommand({
        Filters: [{ Name: 'subnet-id', Values: [...new Set([...workerSubnets, ...hostSubnets])] }],
      }),
    ),
  );
  return Subnets;
}

/** That each subnet is there, in that VPC, and that those of one list are in different zones. */
export function checkSubnets(
  { environment }: Examined,
  { vpcId, workerSubnets, hostSubnets }: ExistingNetwork,
  found: readonly Subnet[],
): Verdict {
  const byId = new Map(found.map((subnet) => [subnet.SubnetId, subnet]));
  const all = [...new Set([...workerSubnets, ...hostSubnets])];
  const missing = all.filter((id) => !byId.has(id));
  const elsewhere = found.filter(({ VpcId }) => VpcId !== vpcId);
  const faults = [
    ...(missing.length === 0
      ? []
      : [
          `There ${missing.length === 1 ? 'is no subnet' : 'are no subnets'} ${listed(missing)} in ${environment.region}.`,
        ]),
    ...elsewhere.map(({ SubnetId, VpcId }) => `Subnet ${SubnetId} is in VPC ${VpcId}, not in ${vpcId}.`),
    ...Object.entries({ workerSubnets, hostSubnets }).flatMap(([key, ids]) => sharedZones(key, ids, byId)),
  ];
  if (faults.length > 0)
    return failed([...new Set(faults)].join(' '), `Correct \`environments.${environment.name}.vpc\`.`);
  const zones = [...new Set(found.map(({ AvailabilityZone = '' }) => AvailabilityZone))].sort();
  return ok(
    `${all.length === 1 ? 'The subnet is' : `All ${all.length} subnets are`} in VPC ${vpcId}, in ${listed(zones)}.`,
  );
}

function sharedZones(key: string, ids: readonly string[], subnets: ReadonlyMap<string | undefined, Subnet>): string[] {
  const zones = new Map<string, string[]>();
  for (const id of ids) {
    const zone = subnets.get(id)?.AvailabilityZone;
    if (zone !== undefined) zones.set(zone, [...(zones.get(zone) ?? []), id]);
  }
  return [...zones].flatMap(([zone, members]) =>
    members.length < 2 ? [] : [`${listed(members)} of ${key} are all in ${zone}.`],
  );
}
