import { join } from 'node:path';
import type { ServicePlan, ServicesPlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import { hostMark } from '../layout.js';
import { MARK } from '../processes/marked.js';

/** Every host of the local target listens here, and is reached here. */
export const ADDRESS = '127.0.0.1';

export interface Surroundings {
  /** The store's root. */
  root: string;
  release: string;
  services: ServicesPlan;
  /** By host's name; hosts of services without a port have none. */
  ports: ReadonlyMap<string, number>;
  databaseUrl: string | undefined;
}

/** What `boot` and `run` of a host find in their environment (DESIGN: configuration), beside what they inherit. */
export function hostVariables(service: ServicePlan, index: number, around: Surroundings): Record<string, string> {
  const port = around.ports.get(hostName(service.name, index));
  return {
    ...service.environment,
    PRESTAGE_RELEASE: around.release,
    PRESTAGE_ROOT: join(around.root, 'releases', around.release),
    PRESTAGE_SERVICE: service.name,
    PRESTAGE_INDEX: String(index),
    PRESTAGE_HOST: ADDRESS,
    ...(port === undefined ? {} : { PRESTAGE_PORT: String(port) }),
    ...nameOf(service.name, around, 'PRESTAGE_NAME'),
    ...Object.assign(
      {},
      ...around.services.services
        .filter((other) => other.name !== service.name)
        .map((other) => addressOf(other, around)),
    ),
    ...(around.databaseUrl === undefined ? {} : databaseVariables(around.databaseUrl)),
    [MARK]: hostMark(around.root, hostName(service.name, index)),
  };
}

/** Both forms, as on AWS. */
function databaseVariables(url: string): Record<string, string> {
  const { host, pathname, username, password } = new URL(url);
  return {
    PRESTAGE_DATABASE_URL: url,
    PRESTAGE_DATABASE_JDBC_URL: `jdbc:postgresql://${host}${pathname}?user=${username}&password=${password}`,
  };
}

/** Where another service is. On loopback its hosts differ by their ports, so `_HOSTS` has `address:port` entries. */
function addressOf(service: ServicePlan, around: Surroundings): Record<string, string> {
  const prefix = `PRESTAGE_${service.name.toUpperCase().replaceAll('-', '_')}`;
  const ports = Array.from({ length: service.count }, (_, index) => around.ports.get(hostName(service.name, index)));
  const [first] = ports;
  return {
    [`${prefix}_HOST`]: ADDRESS,
    ...(first === undefined ? {} : { [`${prefix}_PORT`]: String(first) }),
    [`${prefix}_HOSTS`]: ports.map((port) => (port === undefined ? ADDRESS : `${ADDRESS}:${port}`)).join(','),
    ...nameOf(service.name, around, `${prefix}_NAME`),
  };
}

/** The name that the service has on a target with DNS. It does not resolve here: `_HOST` is what to connect to. */
function nameOf(service: string, { services }: Surroundings, variable: string): Record<string, string> {
  return services.dnsZone === undefined ? {} : { [variable]: `${service}.${services.dnsZone}` };
}
