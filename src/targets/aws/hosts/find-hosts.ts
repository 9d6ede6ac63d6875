import type { Template } from '../cloudformation/stack-state.js';
import type { AwsContext } from '../context.js';
import { TAGS } from '../names.js';
import { findMachines, isGone, type Machine } from '../worker/machines.js';
import { hostsOfTemplate } from './template-hosts.js';

/** An instance that is a host. */
export interface HostMachine {
  host: string;
  service: string;
  index: number;
  release: string;
  machine: Machine;
}

/** All instances that are hosts of this environment and not gone, by host and then the older first. */
export async function findHosts(context: AwsContext): Promise<HostMachine[]> {
  return (await everyHost(context)).filter(({ machine }) => !isGone(machine));
}

/**
 * The names of hosts that a deployed template has made and that have no instance any more: somebody ended it, or AWS retired it.
 * CloudFormation itself never looks.
 */
export async function missingHosts(context: AwsContext, deployed: Template | undefined): Promise<string[]> {
  const made = [...hostsOfTemplate(deployed).keys()];
  if (made.length === 0) return [];
  const there = new Set((await findHosts(context)).map(({ host }) => host));
  return made.filter((host) => !there.has(host));
}

/** Those as well that were ended within the last hour. */
export async function everyHost({ session, project, environment }: AwsContext): Promise<HostMachine[]> {
  const machines = await findMachines(
    session.ec2,
    { project, environment: environment.name },
    { [TAGS.host]: undefined },
  );
  return machines
    .map((machine) => {
      const host = machine.tags[TAGS.host] ?? '';
      const [, service = host, index = '0'] = /^(.*)-(\d+)$/.exec(host) ?? [];
      return { host, service, index: Number(index), release: machine.tags[TAGS.release] ?? '', machine };
    })
    .sort((a, b) => order(a.host, b.host) || order(launchOf(a), launchOf(b)));
}

function launchOf({ machine }: HostMachine): string {
  return machine.launchedAt?.toISOString() ?? '';
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
