import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Config } from '../config/index.js';

/** The same configuration with ports that nobody uses, so that a trial does not meet what is deployed on this machine. */
export async function withFreePorts(config: Config): Promise<Config> {
  const services = await Promise.all(
    config.services.services.map(async (service) =>
      service.port === undefined ? service : { ...service, port: await freePort() },
    ),
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
