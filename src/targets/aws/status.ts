import type { ServicesPlan } from '../../plan/index.js';
import { hostName } from '../host-name.js';
import type { HostStatus, ServiceEntry, TargetStatus } from '../target.js';
import { readLockHolder } from './bucket/lock.js';
import type { StackState } from './cloudformation/stack-state.js';
import { databaseStatus } from './data/database-status.js';
import type { AwsContext } from './environment/context.js';
import { TAGS } from './environment/names.js';
import type { HostMachine } from './hosts/every-host.js';
import { findHosts } from './hosts/find-hosts.js';
import { hostState } from './hosts/host-state.js';
import { entryOutputs } from './infrastructure/entry-outputs.js';
import { releaseOf } from './infrastructure/record.js';
import type { AwsLook } from './look.js';
import { trialStatus } from './trial.js';
import { findMachines, isGone } from './worker/machines.js';

/** What is there now: AWS is asked for the stacks and the instances, the bucket for what hosts say of themselves. */
export async function statusOf(look: AwsLook): Promise<TargetStatus> {
  const { context } = look;
  const [place, { database, others }, trial] = await Promise.all([
    look.place(),
    databaseStatus(look),
    trialStatus(context),
  ]);
  if (place === undefined)
    return {
      release: undefined,
      releases: [],
      temporary: [...(await temporaryMachines(context)), ...others, ...trial],
      hosts: [],
      database,
    };
  const [stack, releases, last, hosts, temporary, command] = await Promise.all([
    look.infrastructure.state(),
    look.releases(),
    look.lastDeployment(),
    hostsOf(look),
    temporaryMachines(context),
    readLockHolder(place.bucket),
  ]);
  return {
    release: releaseOf(stack),
    releases: releases.map(({ release }) => release),
    temporary: [
      ...temporary,
      ...others,
      ...trial,
      ...(command === undefined
        ? []
        : [{ kind: 'command', id: command.run, detail: `${command.command}, on ${command.process.host}` }]),
    ],
    hosts,
    services: servicesOf(stack, last?.services),
    database,
  };
}

/** The hosts that there are, and those that were deployed and have no instance any more. */
export async function hostsOf(look: AwsLook): Promise<HostStatus[]> {
  const [stack, last, machines] = await Promise.all([
    look.infrastructure.state(),
    look.lastDeployment(),
    findHosts(look),
  ]);
  const services = last?.services;
  return [
    ...(await Promise.all(machines.map((host) => hostStatus(look, host, services)))),
    ...missingFrom(machines, services, releaseOf(stack)),
  ];
}

function servicesOf(stack: StackState | undefined, plan: ServicesPlan | undefined): ServiceEntry[] {
  const outputs = stack?.outputs ?? {};
  return (plan?.services ?? []).flatMap(({ name: service }) => {
    const names = entryOutputs(service);
    const { [names.address]: address, [names.group]: group, [names.balancer]: balancer } = outputs;
    if (address === undefined || group === undefined) return [];
    return [{ service, address, group, ...(balancer === undefined ? {} : { balancer }) }];
  });
}

async function temporaryMachines({ session, project, environment }: AwsContext): Promise<TargetStatus['temporary']> {
  const found = await findMachines(
    session.ec2,
    { project, environment: environment.name },
    { [TAGS.temporary]: 'true' },
  );
  return found
    .filter((machine) => !isGone(machine))
    .map(({ id, state, type, tags }) => {
      const release = tags[TAGS.release];
      const doing = release === undefined ? '' : `, prepares release ${release}`;
      return { kind: 'worker', id, detail: `${type}, ${state}, run ${tags[TAGS.run] ?? 'unknown'}${doing}` };
    });
}

async function hostStatus(look: AwsLook, host: HostMachine, services: ServicesPlan | undefined): Promise<HostStatus> {
  const { service, index, release, machine } = host;
  const plan = services?.services.find(({ name }) => name === service);
  const report = await look.report(host);
  const address = machine.address ?? report?.address ?? '';
  const { state, detail } = hostState(machine, report, Date.now());
  return {
    service,
    index,
    address,
    port: plan?.port,
    ...(plan?.health?.kind === 'http' && plan.port !== undefined ? { url: `http://${address}:${plan.port}` } : {}),
    release,
    state,
    ...(detail === undefined ? {} : { detail }),
  };
}

/** Hosts that the last deployment made and that have no instance any more. */
function missingFrom(
  machines: readonly HostMachine[],
  services: ServicesPlan | undefined,
  release: string | undefined,
): HostStatus[] {
  if (release === undefined) return [];
  const there = new Set(machines.map(({ host }) => host));
  return (services?.services ?? []).flatMap(({ name: service, count, port }) =>
    Array.from({ length: count }, (_, index) => index)
      .filter((index) => !there.has(hostName(service, index)))
      .map(
        (index): HostStatus => ({
          service,
          index,
          address: '',
          port,
          release,
          state: 'missing',
          detail: 'its instance is gone; `prestage deploy` makes it again',
        }),
      ),
  );
}
