import {
  type _InstanceType,
  DescribeAvailabilityZonesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  type Instance,
  type InstanceTypeInfo,
} from '@aws-sdk/client-ec2';
import { failed, ok, type Verdict } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { type Examined, listed } from './examined.js';

/** What an environment runs: each service's hosts, and the worker that is there only for a while. */
export function wantedMachines({ environment, services }: Examined): {
  worker: string;
  hosts: { type: string; count: number }[];
} {
  const { instanceTypes } = environment;
  return {
    worker: instanceTypes.worker,
    hosts: services.services.map(({ name, count }) => ({
      type: instanceTypes.services[name] ?? instanceTypes.hosts,
      count,
    })),
  };
}

function wantedTypes(examined: Examined): string[] {
  const { worker, hosts } = wantedMachines(examined);
  return [...new Set([worker, ...hosts.map(({ type }) => type)])];
}

/** Whether each type of machine is there, in each zone, and can run an image for x86-64. */
export async function checkInstanceTypes(
  examined: Examined,
  zones: readonly string[],
  signal: AbortSignal,
): Promise<Verdict> {
  const { environment } = examined;
  const remedy = `Name another type in \`environments.${environment.name}.instanceTypes\`.`;
  const types = wantedTypes(examined);
  const offered = await offerings(examined, types, signal);
  const nowhere = types.filter((type) => !offered.has(type));
  if (nowhere.length > 0)
    return failed(`There is no instance type ${listed(nowhere)} in ${environment.region}.`, remedy);
  const lacking = types.flatMap((type) => {
    const without = zones.filter((zone) => !offered.get(type)?.has(zone));
    return without.length === 0 ? [] : [`${type} is not offered in ${listed(without)}`];
  });
  if (lacking.length > 0) return failed(`${lacking.join('; ')}.`, remedy);
  const foreign = (await describeTypes(examined, types, signal)).filter(
    ({ ProcessorInfo }) => ProcessorInfo?.SupportedArchitectures?.includes('x86_64') === false,
  );
  if (foreign.length > 0)
    return failed(
      `${listed(foreign.map(({ InstanceType = '' }) => InstanceType))} cannot run an image for x86-64, which is what machines are started from.`,
      remedy,
    );
  return ok(`${listed(types)} ${types.length === 1 ? 'is' : 'are'} offered in ${listed(zones)}.`);
}

/** The zones in which each type is offered. */
async function offerings(
  { session }: Examined,
  types: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Set<string>>> {
  const zones = new Map<string, Set<string>>();
  let NextToken: string | undefined;
  do {
    const page = await asAws({ action: 'ec2:DescribeInstanceTypeOfferings' }, () =>
      session.ec2.send(
        new DescribeInstanceTypeOfferingsCommand({
          LocationType: 'availability-zone',
          Filters: [{ Name: 'instance-type', Values: [...types] }],
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
        { abortSignal: signal },
      ),
    );
    for (const { InstanceType = '', Location = '' } of page.InstanceTypeOfferings ?? [])
      zones.set(InstanceType, (zones.get(InstanceType) ?? new Set()).add(Location));
    NextToken = page.NextToken;
  } while (NextToken);
  return zones;
}

/** All of them must exist. AWS takes 100 at a time. */
export async function describeTypes(
  { session }: Examined,
  types: readonly string[],
  signal: AbortSignal,
): Promise<InstanceTypeInfo[]> {
  const parts = Array.from({ length: Math.ceil(types.length / 100) }, (_, i) => types.slice(i * 100, (i + 1) * 100));
  const found = await Promise.all(
    parts.map((part) =>
      asAws({ action: 'ec2:DescribeInstanceTypes', resource: listed(part) }, () =>
        session.ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: part as _InstanceType[] }), {
          abortSignal: signal,
        }),
      ),
    ),
  );
  return found.flatMap(({ InstanceTypes = [] }) => InstanceTypes);
}

/** The instances of the region that count: all that run or are about to, of anybody. */
export async function runningInstances({ session }: Examined, signal: AbortSignal): Promise<Instance[]> {
  const found: Instance[] = [];
  let NextToken: string | undefined;
  do {
    const page = await asAws({ action: 'ec2:DescribeInstances' }, () =>
      session.ec2.send(
        new DescribeInstancesCommand({
          Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running'] }],
          MaxResults: 1000,
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
        { abortSignal: signal },
      ),
    );
    found.push(...(page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** The first two zones of the region, by name: those that a VPC of our own is made in. */
export async function firstZones({ session }: Examined, signal: AbortSignal): Promise<string[]> {
  const { AvailabilityZones = [] } = await asAws({ action: 'ec2:DescribeAvailabilityZones' }, () =>
    session.ec2.send(
      new DescribeAvailabilityZonesCommand({ Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }] }),
      { abortSignal: signal },
    ),
  );
  const available = AvailabilityZones.filter(({ State }) => State === 'available');
  return available
    .map(({ ZoneName = '' }) => ZoneName)
    .sort()
    .slice(0, 2);
}
