import type { HostChange } from '../../target.js';
import type { Template } from '../cloudformation/stack-state.js';
import { recordOf } from '../infrastructure/record.js';
import { hostsOfTemplate } from './template-hosts.js';

/** What becomes of each host when one template takes the place of another; `undefined` is no stack. */
export function hostChanges(deployed: Template | undefined, wanted: Template): HostChange[] {
  const before = hostsOfTemplate(deployed);
  const after = hostsOfTemplate(wanted);
  const changes = [...after].map(([host, { resource, release }]): HostChange => {
    const service = serviceOf(host);
    const old = before.get(host);
    if (old === undefined) return { host, service, action: 'create', reason: 'new' };
    if (old.resource === resource) return { host, service, action: 'keep', reason: 'unchanged' };
    if (old.release !== release)
      return {
        host,
        service,
        action: 'replace',
        reason: `release ${old.release} -> ${release}`,
      };
    const isGone = generationOf(deployed, host) !== generationOf(wanted, host);
    return { host, service, action: 'replace', reason: isGone ? 'its instance is gone' : 'settings changed' };
  });
  const removed = [...before.keys()].filter((host) => !after.has(host));
  return [
    ...changes,
    ...removed.map(
      (host): HostChange => ({
        host,
        service: serviceOf(host),
        action: 'remove',
        reason: 'no longer wanted',
      }),
    ),
  ];
}

function generationOf(template: Template | undefined, host: string): number {
  return recordOf(template)?.generations?.[host] ?? 0;
}

function serviceOf(host: string): string {
  return host.replace(/-\d+$/, '');
}
