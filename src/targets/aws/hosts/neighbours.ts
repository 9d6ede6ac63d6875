import { mapBounded } from '../../../core/bounded.js';
import type { Bucket } from '../bucket/bucket.js';
import { NEIGHBOURS, neighboursKey } from '../bucket/layout.js';
import type { Template } from '../cloudformation/stack-state.js';
import type { Neighbours } from '../infrastructure/host-inputs.js';
import { quote } from '../scripts/render.js';
import { hostsOfTemplate } from './template-hosts.js';

/** Requests that are under way at once. */
const IN_FLIGHT = 16;

/** Tells the hosts of a template where the other services are. Hosts look each minute, and one that is made looks before it boots. */
export async function tellNeighbours(
  bucket: Bucket,
  { template, neighbours }: { template: Template; neighbours: (service: string) => Neighbours },
  isMeant: (resource: string) => boolean = () => true,
): Promise<void> {
  const meant = [...hostsOfTemplate(template)].filter(([, { resource }]) => isMeant(resource));
  await mapBounded(meant, IN_FLIGHT, async ([host, { resource }]) => {
    const key = neighboursKey(host, resource);
    const text = asShell(neighbours(host.replace(/-\d+$/, '')));
    if ((await bucket.getText(key)) !== text) await bucket.put(key, text);
  });
}

/** Removes what was written for hosts that no template has any more. */
export async function forgetNeighbours(bucket: Bucket, template: Template): Promise<void> {
  const kept = new Set([...hostsOfTemplate(template)].map(([host, { resource }]) => neighboursKey(host, resource)));
  await bucket.delete(...(await bucket.list(NEIGHBOURS)).filter((key) => !kept.has(key)));
}

function asShell({ variables, first }: Neighbours): string {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`);
  const addresses = first.map(({ host, port }) => `# first ${host} ${port}`);
  return ['# Where other services are.', ...addresses, ...lines, ''].join('\n');
}
