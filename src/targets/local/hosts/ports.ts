import { PrestageError } from '../../../core/errors.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import { portTrouble } from './port-holder.js';
import type { HostSpec } from './spec.js';

/**
 * A port for each host of a service that has one: the first has the declared port, so that a bookmark holds; the others
 * keep what they have, or get the next free ones. Never another service's declared port.
 */
export async function assignPorts(services: ServicesPlan, existing: readonly HostSpec[]): Promise<Map<string, number>> {
  const declared = new Set(services.services.flatMap((service) => service.port ?? []));
  const current = new Map(existing.map((spec) => [spec.host, spec.port]));
  const ports = new Map<string, number>();
  const taken = new Set(declared);
  const assign = (host: string, port: number) => {
    ports.set(host, port);
    taken.add(port);
  };
  const wanting = services.services.flatMap(({ name, port, count }) =>
    port === undefined
      ? []
      : Array.from({ length: count }, (_, index) => ({ host: hostName(name, index), index, port })),
  );
  for (const { host, index, port } of wanting) {
    const kept = index === 0 ? port : current.get(host);
    if (kept !== undefined && (index === 0 || (kept > port && !taken.has(kept)))) assign(host, kept);
  }
  for (const { host, port } of wanting) if (!ports.has(host)) assign(host, await nextFree(port, host, taken));
  return ports;
}

async function nextFree(after: number, host: string, taken: ReadonlySet<number>): Promise<number> {
  for (let port = after + 1; port <= 65_535; port++) {
    if (!taken.has(port) && (await portTrouble(port)) === undefined) return port;
  }
  throw new PrestageError('PORT_IN_USE', `There is no free port above ${after} for ${host}.`, {
    hint: 'Give the service a lower `port` in the configuration.',
    context: { host, port: after },
  });
}
