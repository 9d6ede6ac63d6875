import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeInstancesCommand,
  type EC2Client,
  GetConsoleOutputCommand,
  type Instance,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { PrestageError } from '../../../core/errors.js';
import { asAws } from '../aws-failure.js';
import { type Scope, TAGS } from '../names.js';

/** An instance of this environment, as EC2 tells of it. */
export interface Machine {
  id: string;
  state: MachineState;
  type: string;
  /** Its address in the VPC, while it has one. */
  address: string | undefined;
  imageId: string | undefined;
  launchedAt: Date | undefined;
  tags: Readonly<Record<string, string>>;
}

export type MachineState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface Launch {
  /** The same token gives the same instance, however often it is asked for. At most 64 characters. */
  token: string;
  launchTemplateId: string;
  subnetId: string;
  userData: string;
  tags: Readonly<Record<string, string>>;
}

/** Launches an instance from a template, once for each token. */
export async function launchMachine(ec2: EC2Client, launch: Launch): Promise<Machine> {
  const tags = Object.entries(launch.tags).map(([Key, Value]) => ({ Key, Value }));
  const { Instances } = await asAws({ action: 'ec2:RunInstances', resource: launch.launchTemplateId }, () =>
    ec2.send(
      new RunInstancesCommand({
        ClientToken: launch.token,
        MinCount: 1,
        MaxCount: 1,
        LaunchTemplate: { LaunchTemplateId: launch.launchTemplateId, Version: '$Latest' },
        SubnetId: launch.subnetId,
        UserData: Buffer.from(launch.userData).toString('base64'),
        // Said here as well, since it is what ends the machine.
        InstanceInitiatedShutdownBehavior: 'terminate',
        TagSpecifications: [
          { ResourceType: 'instance', Tags: tags },
          { ResourceType: 'volume', Tags: tags },
        ],
      }),
    ),
  );
  const [instance] = Instances ?? [];
  if (instance === undefined) throw new PrestageError('AWS_FAILED', 'EC2 launched no instance, and did not say why.');
  return machineOf(instance);
}

/** The instances of an environment that have all these tags; those that were terminated are still told of for an hour. */
export async function findMachines(
  ec2: EC2Client,
  { project, environment }: Pick<Scope, 'project' | 'environment'>,
  tags: Readonly<Record<string, string | undefined>> = {},
): Promise<Machine[]> {
  const wanted = { [TAGS.project]: project, [TAGS.environment]: environment, ...tags };
  const Filters = Object.entries(wanted).map(([tag, value]) =>
    value === undefined ? { Name: 'tag-key', Values: [tag] } : { Name: `tag:${tag}`, Values: [value] },
  );
  const found: Machine[] = [];
  let next: string | undefined;
  do {
    const page = await asAws({ action: 'ec2:DescribeInstances' }, () =>
      ec2.send(new DescribeInstancesCommand({ Filters, ...(next === undefined ? {} : { NextToken: next }) })),
    );
    found.push(...(page.Reservations ?? []).flatMap(({ Instances }) => (Instances ?? []).map(machineOf)));
    next = page.NextToken;
  } while (next !== undefined);
  return found;
}

/** Undefined where EC2 does not know it: not yet, or not any more. */
export async function describeMachine(ec2: EC2Client, id: string): Promise<Machine | undefined> {
  const found = await asAws({ action: 'ec2:DescribeInstances', resource: id }, () =>
    ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'InvalidInstanceID.NotFound') return undefined;
      throw error;
    }),
  );
  const instance = found?.Reservations?.[0]?.Instances?.[0];
  return instance && machineOf(instance);
}

export function isGone({ state }: Pick<Machine, 'state'>): boolean {
  return state === 'terminated' || state === 'shutting-down';
}

/** How long a machine that was told to end may take until it is asked for again, and until that is an error. */
const END_MS = 5 * 60_000;

/** Ends a machine and waits until EC2 says that it is going. @throws MACHINE_STUCK */
export async function endMachine(
  ec2: EC2Client,
  id: string,
  { pollMs = 2000, endMs = END_MS, signal }: { pollMs?: number; endMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const until = performance.now() + endMs;
  while (performance.now() < until) {
    const machine = await describeMachine(ec2, id);
    if (machine === undefined || isGone(machine)) return;
    await asAws({ action: 'ec2:TerminateInstances', resource: id }, () =>
      ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })),
    );
    await sleep(pollMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
  throw new PrestageError('MACHINE_STUCK', `Instance ${id} was told to terminate, and is still there.`, {
    hint: `It costs money until it is gone: look at it in the EC2 console, or run \`aws ec2 terminate-instances --instance-ids ${id}\`.`,
    context: { instance: id },
  });
}

/** The last lines of what the machine printed on its console; none where EC2 has none. */
export async function consoleTail(ec2: EC2Client, id: string, lines = 20): Promise<string[]> {
  const { Output = '' } = await ec2
    .send(new GetConsoleOutputCommand({ InstanceId: id, Latest: false }))
    .catch((): { Output?: string } => ({}));
  const text = Buffer.from(Output, 'base64').toString();
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(-lines);
}

function machineOf(instance: Instance): Machine {
  return {
    id: instance.InstanceId ?? '',
    state: (instance.State?.Name ?? 'pending') as MachineState,
    type: instance.InstanceType ?? '',
    address: instance.PrivateIpAddress,
    imageId: instance.ImageId,
    launchedAt: instance.LaunchTime,
    tags: Object.fromEntries((instance.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
  };
}
