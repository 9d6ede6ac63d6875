import type { AwsContext } from '../environment/context.js';
import { TAGS } from '../environment/names.js';
import { findMachines, type Machine } from '../worker/machines.js';

/** An instance that is a host. */
export interface HostMachine {
  host: string;
  service: string;
  index: number;
  release: string;
  machine: Machine;
}

/** All instances that are hosts of this environment, those ended within the last hour as well, by host and then the older first. */
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
