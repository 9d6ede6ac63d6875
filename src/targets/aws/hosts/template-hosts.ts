import type { Template } from '../cloudformation/stack-state.js';
import { TAGS } from '../environment/names.js';

/** What a template has of a host: its instance is another resource whenever anything of it is another. */
interface TemplateHost {
  resource: string;
  release: string;
}

/** The hosts that a template of the infrastructure makes, by their names. */
export function hostsOfTemplate(template: Template | undefined): Map<string, TemplateHost> {
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
