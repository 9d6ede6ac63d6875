import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Config } from '../config/index.js';

/** By root and service. The commands of one trial must agree, or each would replace the hosts of the one before. */
const chosen = new Map<string, number>();

/** The same configuration with ports that nobody uses, so that a trial does not meet what is deployed on this machine. */
export async function withFreePorts(config: Config, root: string): Promise<Config> {
  const services = await Promise.all(
    config.services.services.map(async (service) => {
      if (service.port === undefined) return service;
      const key = `${root}\0${service.name}`;
      const port = chosen.get(key) ?? (await freePort());
      chosen.set(key, port);
      return { ...service, port };
    }),
  );
  return { ...config, services: { ...config.services, services } };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
