import type { Subnet } from '@aws-sdk/client-ec2';
import {
  DescribeFileSystemPolicyCommand,
  DescribeFileSystemsCommand,
  DescribeMountTargetsCommand,
} from '@aws-sdk/client-efs';
import { failed, ok, type Verdict, warning } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { awsCommand, type Examined, listed } from './examined.js';
import type { ExistingNetwork } from './network.js';
import { denialsOf } from './policy-denials.js';

/** That the file system that the configuration names is there and of use. */
export async function checkFileSystem(
  { session, environment }: Examined,
  FileSystemId: string,
  abortSignal: AbortSignal,
): Promise<Verdict> {
  const { FileSystems: [found] = [] } = await asAws(
    { action: 'elasticfilesystem:DescribeFileSystems', resource: FileSystemId },
    () => session.efs.send(new DescribeFileSystemsCommand({ FileSystemId }), { abortSignal }).catch(noneIfAbsent),
  );
  if (found === undefined)
    return failed(
      `There is no file system ${FileSystemId} in ${environment.region}.`,
      `Correct \`environments.${environment.name}.storage.fileSystemId\`, or leave \`storage\` out: Prestage then makes one of its own.`,
    );
  const { LifeCycleState, Encrypted } = found;
  if (LifeCycleState !== 'available')
    return failed(`File system ${FileSystemId} is ${LifeCycleState}.`, 'Wait until it is available, or name another.');
  return ok(`File system ${FileSystemId} is available${Encrypted ? '' : ', and not encrypted'}.`);
}

/** That it has a mount target in each zone of the worker's and the hosts' subnets: from another zone it is not mounted. */
export async function checkMountTargets(
  examined: Examined,
  FileSystemId: string,
  { network, subnets }: { network: ExistingNetwork | undefined; subnets: readonly Subnet[] },
  abortSignal: AbortSignal,
): Promise<Verdict> {
  const { session, environment } = examined;
  const { MountTargets = [] } = await asAws(
    { action: 'elasticfilesystem:DescribeMountTargets', resource: FileSystemId },
    () => session.efs.send(new DescribeMountTargetsCommand({ FileSystemId }), { abortSignal }),
  );
  if (network === undefined)
    return failed(
      `File system ${FileSystemId} can have mount targets in one VPC only, and this environment creates a new VPC.`,
      `Name its VPC as \`environments.${environment.name}.vpc\`, or leave \`storage\` out.`,
    );
  const foreign = MountTargets.find(({ VpcId }) => VpcId !== network.vpcId);
  if (foreign !== undefined)
    return failed(
      `The mount targets of ${FileSystemId} are in VPC ${foreign.VpcId}, and machines are to run in ${network.vpcId}.`,
      `Name VPC ${foreign.VpcId} and its subnets as \`environments.${environment.name}.vpc\`.`,
    );
  const usable = MountTargets.filter(({ LifeCycleState }) => LifeCycleState === 'available');
  const covered = new Set(usable.map(({ AvailabilityZoneName }) => AvailabilityZoneName));
  const lacking = subnets.filter(({ AvailabilityZone }) => !covered.has(AvailabilityZone));
  if (lacking.length === 0) return ok(`File system ${FileSystemId} has a mount target in each zone.`);
  const zones = [...new Map(lacking.map(({ AvailabilityZone = '', SubnetId = '' }) => [AvailabilityZone, SubnetId]))];
  const commands = zones.map(([, subnet]) =>
    awsCommand(examined, `efs create-mount-target --file-system-id ${FileSystemId} --subnet-id ${subnet}`),
  );
  return failed(
    `File system ${FileSystemId} has no mount target in ${listed(zones.map(([zone]) => zone))}, where machines are to mount it.`,
    `Make one: ${commands.join(' and ')}.`,
  );
}

/**
 * What its policy refuses. Machines mount with TLS, by access points, as roles that their own policies allow to; so only a statement
 * that denies more than plain connections can keep them out.
 */
export async function checkMountPolicy(
  { session }: Examined,
  FileSystemId: string,
  abortSignal: AbortSignal,
): Promise<Verdict> {
  const found = await asAws({ action: 'elasticfilesystem:DescribeFileSystemPolicy', resource: FileSystemId }, () =>
    session.efs.send(new DescribeFileSystemPolicyCommand({ FileSystemId }), { abortSignal }).catch(noneIfAbsent),
  );
  const text = 'Policy' in found ? found.Policy : undefined;
  if (text === undefined)
    return warning(
      `File system ${FileSystemId} has no policy: everyone who reaches a mount target may mount it, even without TLS.`,
      'Prestage always mounts with TLS and IAM. To require TLS of other clients, add a policy that denies requests where aws:SecureTransport is false.',
    );
  const { plain, others } = denialsOf(text);
  const tls = plain ? ' It demands TLS.' : '';
  if (others.length === 0) return ok(`The policy of ${FileSystemId} keeps no machine of ours out.${tls}`);
  return warning(
    `The policy of ${FileSystemId} denies more than plain connections: ${listed(others)}.${tls}`,
    'See that this leaves out roles whose names begin with the project and the environment, with ClientMount and ClientWrite by an access point.',
  );
}

function noneIfAbsent(error: unknown): { FileSystems?: undefined } {
  if (error instanceof Error && /^(FileSystemNotFound|PolicyNotFound)/.test(error.name)) return {};
  throw error;
}
