import type { HostChange, ServicesChange } from '../../target.js';
import type { Template } from '../cloudformation/stack-state.js';
import { TAGS } from '../names.js';

/** What a template has of hosts: a host's instance is another resource whenever anything of it is another. */
interface TemplateHost {
  resource: string;
  release: string;
}

/** What becomes of each host when one template takes the place of another; `undefined` is no stack. */
export function hostChanges(deployed: Template | undefined, wanted: Template): HostChange[] {
  const before = hostsOf(deployed);
  const after = hostsOf(wanted);
  const changes = [...after].map(([host, { resource, release }]): HostChange => {
    const service = serviceOf(host);
    const old = before.get(host);
    if (old === undefined) return { host, service, action: 'create', reason: 'it is not there yet' };
    if (old.resource === resource) return { host, service, action: 'keep', reason: `it runs on release ${release}` };
    const reason =
      old.release === release
        ? 'its settings changed'
        : `it runs on release ${old.release}, and is to run on ${release}`;
    return { host, service, action: 'replace', reason };
  });
  const removed = [...before.keys()].filter((host) => !after.has(host));
  return [
    ...changes,
    ...removed.map(
      (host): HostChange => ({
        host,
        service: serviceOf(host),
        action: 'remove',
        reason: 'no service has it any more',
      }),
    ),
  ];
}

export function databaseChange(deployed: Template | undefined, wanted: Template): ServicesChange['database'] {
  const [before, after] = [hasDatabase(deployed), hasDatabase(wanted)];
  if (before) return after ? 'keep' : 'remove';
  return after ? 'create' : 'none';
}

function hasDatabase(template: Template | undefined): boolean {
  return Object.values(template?.Resources ?? {}).some(({ Type }) => Type === 'AWS::RDS::DBInstance');
}

function hostsOf(template: Template | undefined): Map<string, TemplateHost> {
  const hosts = new Map<string, TemplateHost>();
  for (const [resource, { Type, Properties }] of Object.entries(template?.Resources ?? {})) {
    if (Type !== 'AWS::EC2::Instance') continue;
    const tags = new Map(
      ((Properties?.Tags ?? []) as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]),
    );
    const host = tags.get(TAGS.host);
    if (host !== undefined) hosts.set(host, { resource, release: tags.get(TAGS.release) ?? '' });
  }
  return hosts;
}

function serviceOf(host: string): string {
  return host.replace(/-\d+$/, '');
}
