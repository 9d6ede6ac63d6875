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
import { asAws } from '../api/aws-failure.js';
import { type Scope, TAGS } from '../environment/names.js';

/** An instance of this environment, as EC2 tells of it. */
export interface Machine {
  id: string;
  state: MachineState;
  type: string;
  /** Its address in the VPC, while it has one. */
  address: string | undefined;
  imageId: string | undefined;
  launchedAt: Date | undefined;
  /** Why it came into its state, where EC2 says so: `Server.InsufficientInstanceCapacity`, `Client.InstanceInitiatedShutdown`. */
  reason: { code: string; message: string } | undefined;
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

/** Undefined where EC2 does not know it: not yet, or not any more; {@link Sighting} tells these apart. */
async function describeMachine(ec2: EC2Client, id: string): Promise<Machine | undefined> {
  const found = await asAws({ action: 'ec2:DescribeInstances', resource: id }, () =>
    ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })).catch(undefinedIfUnknown),
  );
  const instance = found?.Reservations?.[0]?.Instances?.[0];
  return instance && machineOf(instance);
}

function undefinedIfUnknown(error: unknown): undefined {
  if (error instanceof Error && error.name === 'InvalidInstanceID.NotFound') return undefined;
  throw error;
}

/** How long EC2 may not know what it has launched ("Eventual consistency in the Amazon EC2 API": up to five minutes). */
export const UNKNOWN_MS = 5 * 60_000;

export type Sighted =
  | { is: 'here'; machine: Machine }
  | { is: 'unknown' }
  | { is: 'gone'; machine: Machine | undefined };

/** Looks at an instance. One that EC2 does not know is gone where it was seen before, or after `unknownMs`; else it is unknown. */
export class Sighting {
  readonly #ec2: EC2Client;
  readonly #id: string;
  readonly #unknownUntil: number;
  #last: Machine | undefined;

  constructor(ec2: EC2Client, id: string, unknownMs = UNKNOWN_MS) {
    this.#ec2 = ec2;
    this.#id = id;
    this.#unknownUntil = performance.now() + unknownMs;
  }

  async look(): Promise<Sighted> {
    const machine = await describeMachine(this.#ec2, this.#id);
    if (machine === undefined)
      return this.#last === undefined && performance.now() < this.#unknownUntil
        ? { is: 'unknown' }
        : { is: 'gone', machine: this.#last };
    this.#last = machine;
    return { is: isGone(machine) ? 'gone' : 'here', machine };
  }
}

/** ` (EC2 says: …)`, for the end of a sentence; nothing where it says nothing. */
export function saidByEc2(reason: Machine['reason']): string {
  return reason === undefined ? '' : ` (EC2 says: ${reason.message.replace(/\.$/, '')})`;
}

export function isGone({ state }: Pick<Machine, 'state'>): boolean {
  return state === 'terminated' || state === 'shutting-down';
}

/** How long a machine that was told to end may take until it is asked for again, and until that is an error. */
const END_MS = 5 * 60_000;

/** Tells a machine to end, once; for one that EC2 does not know that is nothing. */
export async function terminateMachine(ec2: EC2Client, id: string): Promise<void> {
  await asAws({ action: 'ec2:TerminateInstances', resource: id }, () =>
    ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })).catch(undefinedIfUnknown),
  );
}

/**
 * Ends a machine and waits until EC2 says that it is going. One that EC2 does not know is told to end as well: it may be new.
 * @throws MACHINE_STUCK
 */
export async function endMachine(
  ec2: EC2Client,
  id: string,
  { pollMs = 2000, endMs = END_MS, signal }: { pollMs?: number; endMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const sighting = new Sighting(ec2, id, endMs);
  const until = performance.now() + endMs;
  do {
    if ((await sighting.look()).is === 'gone') return;
    await terminateMachine(ec2, id);
    await sleep(pollMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  } while (performance.now() < until);
  if ((await sighting.look()).is === 'gone') return;
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

function reasonOf({ StateReason }: Instance): Machine['reason'] {
  const code = StateReason?.Code ?? '';
  return code === '' ? undefined : { code, message: StateReason?.Message ?? code };
}

function machineOf(instance: Instance): Machine {
  return {
    id: instance.InstanceId ?? '',
    state: (instance.State?.Name ?? 'pending') as MachineState,
    type: instance.InstanceType ?? '',
    address: instance.PrivateIpAddress,
    imageId: instance.ImageId,
    launchedAt: instance.LaunchTime,
    reason: reasonOf(instance),
    tags: Object.fromEntries((instance.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
  };
}
