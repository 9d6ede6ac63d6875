import type { AwsLook } from '../look.js';
import { isGone } from '../worker/machines.js';
import type { HostMachine } from './every-host.js';
import { hostsOfTemplate } from './template-hosts.js';

/** All instances that are hosts of this environment and not gone, by host and then the older first. */
export async function findHosts(look: Pick<AwsLook, 'machines'>): Promise<HostMachine[]> {
  return (await look.machines()).filter(({ machine }) => !isGone(machine));
}

/**
 * The names of hosts that the deployed template has made and that have no instance any more: somebody ended it, or AWS retired it.
 * CloudFormation itself never looks.
 */
export async function missingHosts(look: Pick<AwsLook, 'infrastructure' | 'machines'>): Promise<string[]> {
  const made = [...hostsOfTemplate(await look.infrastructure.template()).keys()];
  if (made.length === 0) return [];
  const there = new Set((await findHosts(look)).map(({ host }) => host));
  return made.filter((host) => !there.has(host));
}
