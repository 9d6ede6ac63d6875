import {
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
  type TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { asAws } from '../api/aws-failure.js';
import type { Session } from '../api/session.js';
import { until } from '../api/until.js';
import { stackResources } from '../cloudformation/stack-resources.js';
import type { Template } from '../cloudformation/stack-state.js';

const POLL_MS = 2000;
/** AWS says that a target may take 3 to 5 minutes until its first check. */
const ADMIT_MS = 12 * 60_000;
/** What fails all its checks for so long does not become healthy: two in a row are 20 s. */
const UNHEALTHY_MS = 2 * 60_000;
/** Its deregistration delay, and some minutes more. */
const DRAIN_MS = 12 * 60_000;

/** The targets of one balancer. */
export interface TargetGroup {
  /** Its resource in the stack. */
  resource: string;
  arn: string;
  /** Instances that are to be in it. */
  wanted: string[];
  /** Instances of hosts of the same stack that are not. */
  others: string[];
}

export interface Watching extends CommandContext {
  limitMs?: number;
}

/** The balancers of a stack, with the targets that a template gives them. */
export async function targetGroups(session: Session, stack: string, template: Template): Promise<TargetGroup[]> {
  const groups = Object.entries(template.Resources).filter(
    ([, { Type }]) => Type === 'AWS::ElasticLoadBalancingV2::TargetGroup',
  );
  if (groups.length === 0) return [];
  const resources = await stackResources(session.cloudFormation, stack);
  const physical = new Map(resources.map((it) => [it.LogicalResourceId, it.PhysicalResourceId ?? '']));
  const instances = resources
    .filter(({ ResourceType }) => ResourceType === 'AWS::EC2::Instance')
    .map(({ PhysicalResourceId = '' }) => PhysicalResourceId);
  return groups.flatMap(([resource, { Properties }]) => {
    const arn = physical.get(resource);
    if (arn === undefined) return [];
    const targets = (Properties?.Targets ?? []) as { Id: { Ref: string } }[];
    const wanted = targets.map(({ Id }) => physical.get(Id.Ref) ?? '').filter((id) => id !== '');
    return [{ resource, arn, wanted, others: instances.filter((id) => !wanted.includes(id)) }];
  });
}

/**
 * Registers targets and waits until each balancer finds them healthy. Of hosts that were there before, only that it has looked.
 * @throws HOST_FAILED
 */
export async function admit(
  session: Session,
  groups: readonly TargetGroup[],
  before: ReadonlySet<string>,
  watching: Watching,
): Promise<void> {
  const started = performance.now();
  for (const { arn, resource, wanted } of groups) {
    const known = new Set((await targetsOf(session, arn)).filter((it) => !isDraining(it)).map(idOf));
    const fresh = wanted.filter((id) => !known.has(id));
    if (fresh.length === 0) continue;
    await asAws({ action: 'elasticloadbalancing:RegisterTargets', resource }, () =>
      session.balancers.send(new RegisterTargetsCommand({ TargetGroupArn: arn, Targets: fresh.map((Id) => ({ Id })) })),
    );
  }
  let told = false;
  for (const group of groups) {
    let waiting: TargetHealthDescription[] = [];
    let unhealthySince: number | undefined;
    const isSo = async () => {
      waiting = (await targetsOf(session, group.arn)).filter(
        (it) => group.wanted.includes(idOf(it)) && !isSettled(it, before.has(idOf(it))),
      );
      if (waiting.length > 0 && !told) {
        told = true;
        watching.emit({ type: 'notice', message: 'Waiting until load balancers send connections to the new hosts.' });
      }
      const isUnhealthy = waiting.some(({ TargetHealth }) => TargetHealth?.State === 'unhealthy');
      unhealthySince = isUnhealthy ? (unhealthySince ?? performance.now()) : undefined;
      if (unhealthySince !== undefined && performance.now() - unhealthySince > UNHEALTHY_MS)
        throw refused(group, waiting);
      return waiting.length === 0;
    };
    const { limitMs = ADMIT_MS, signal } = watching;
    const what = { what: `${group.resource} to be healthy`, signal, pollMs: POLL_MS };
    await until(isSo, { ...what, limitMs: Math.max(0, limitMs - (performance.now() - started)) }).catch((error) => {
      signal.throwIfAborted();
      throw error instanceof PrestageError && error.code === 'AWS_FAILED' && waiting.length > 0
        ? refused(group, waiting)
        : error;
    });
  }
}

/** Takes hosts that are not wanted out of their balancers, and waits until no connection goes to them. */
export async function drain(session: Session, groups: readonly TargetGroup[], watching: Watching): Promise<void> {
  await leave(
    session,
    groups.map(({ others, ...group }) => ({ ...group, leaving: others })),
    watching,
  );
}

/** Takes out the hosts that came with this deployment. */
export async function takeBack(
  session: Session,
  groups: readonly TargetGroup[],
  before: ReadonlySet<string>,
  watching: Watching,
): Promise<void> {
  await leave(
    session,
    groups.map(({ wanted, ...group }) => ({ ...group, leaving: wanted.filter((id) => !before.has(id)) })),
    watching,
  );
}

async function leave(
  session: Session,
  groups: readonly (Pick<TargetGroup, 'arn' | 'resource'> & { leaving: string[] })[],
  { emit, signal, limitMs = DRAIN_MS }: Watching,
): Promise<void> {
  let told = false;
  const leftOf = async ({ arn, leaving }: (typeof groups)[number]) =>
    (await targetsOf(session, arn)).filter((it) => leaving.includes(idOf(it)));
  for (const group of groups) {
    const { arn: TargetGroupArn, resource } = group;
    const Targets = (await leftOf(group)).filter((it) => !isDraining(it)).map((it) => ({ Id: idOf(it) }));
    if (Targets.length === 0) continue;
    if (!told)
      emit({ type: 'notice', message: 'Waiting until load balancers send no more connections to hosts that go.' });
    told = true;
    await asAws({ action: 'elasticloadbalancing:DeregisterTargets', resource }, () =>
      session.balancers.send(new DeregisterTargetsCommand({ TargetGroupArn, Targets })),
    );
  }
  for (const group of groups)
    await until(async () => (await leftOf(group)).length === 0, {
      what: `the old targets of ${group.resource} to drain`,
      ...{ signal, pollMs: POLL_MS, limitMs },
    });
}

/** A host that was there before may be unhealthy for reasons of its own. */
function isSettled({ TargetHealth }: TargetHealthDescription, wasThere: boolean): boolean {
  const state = TargetHealth?.State;
  return state === 'healthy' || (wasThere && state !== 'initial');
}

function isDraining({ TargetHealth }: TargetHealthDescription): boolean {
  return TargetHealth?.State === 'draining';
}

function idOf({ Target }: TargetHealthDescription): string {
  return Target?.Id ?? '';
}

async function targetsOf(session: Session, TargetGroupArn: string): Promise<TargetHealthDescription[]> {
  const { TargetHealthDescriptions = [] } = await asAws(
    { action: 'elasticloadbalancing:DescribeTargetHealth', resource: TargetGroupArn },
    () => session.balancers.send(new DescribeTargetHealthCommand({ TargetGroupArn })),
  );
  return TargetHealthDescriptions;
}

function refused({ resource }: TargetGroup, waiting: readonly TargetHealthDescription[]): PrestageError {
  const said = waiting.map((it) => {
    const { State = 'unknown', Description } = it.TargetHealth ?? {};
    return `${idOf(it)} is ${State}${Description === undefined ? '' : ` (${Description.replace(/\.$/, '')})`}`;
  });
  return new PrestageError(
    'HOST_FAILED',
    `The load balancer of ${resource} does not find its new hosts healthy, though they say so themselves: ${said.join(', ')}.`,
    {
      hint: 'It checks from another address than the host itself: let the program listen on 0.0.0.0 or PRESTAGE_HOST, and look at its firewall and at `health`.',
      context: { resource, instances: waiting.map(idOf) },
    },
  );
}
