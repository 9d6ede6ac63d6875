import type { ParsedConfig } from './schema.js';

/** What stands for a setting that is not there, in one place: for the normal form, and for who wants to see it. */
export const DEFAULT_MODE = 'two-phase';
export const DEFAULT_ROLE = 'service';
export const DEFAULT_COUNT = 1;
export const DEFAULT_TIMEOUT = '60s';
export const DEFAULT_STOP = { signal: 'SIGTERM', timeout: '30s' };
export const DEFAULT_RESTART = 'always';
export const DATABASE_VERSIONS = { postgres: '16', mysql: '8.4' };
export const DEFAULT_CIDR = '10.20.0.0/16';
export const DEFAULT_TYPES = { worker: 'm7i.large', hosts: 't3.medium', database: 'db.t4g.medium' };

export const defaultRoot = (environment: string): string => `.prestage/${environment}`;
export const defaultNat = (ha: boolean): 'one' | 'per-zone' => (ha ? 'per-zone' : 'one');

export function destinationOf(id: string, written: { destination?: string | undefined }): string {
  return (written.destination ?? id).replace(/\/$/, '');
}

/**
 * The defaults that a configuration takes, under the keys that it could have said them with. Those of steps, and what follows from
 * a file's content, are not here.
 */
export function defaultsOf(parsed: ParsedConfig, environment: string): object {
  const { packages, services = {}, database, environments } = parsed;
  const settings = environments?.[environment];
  return {
    mode: DEFAULT_MODE,
    packages: inEach(packages, (written, id) => ({ destination: destinationOf(id, written) })),
    ...(parsed.services ? { services: inEach(services, serviceDefaults) } : {}),
    ...(database ? { database: { version: DATABASE_VERSIONS[database.engine] } } : {}),
    environments: { [environment]: settings?.target === 'aws' ? awsDefaults(settings) : localDefaults(environment) },
  };
}

type Service = NonNullable<ParsedConfig['services']>[string];

function serviceDefaults({ port, health, run, stop }: Service): object {
  const isLong = typeof health === 'object';
  return {
    role: DEFAULT_ROLE,
    count: DEFAULT_COUNT,
    ...(run === undefined ? {} : { restart: DEFAULT_RESTART }),
    ...(stop === undefined ? {} : { stop: DEFAULT_STOP }),
    ...(isLong ? { health: { timeout: DEFAULT_TIMEOUT } } : port === undefined ? {} : { health: 'tcp' }),
  };
}

const localDefaults = (environment: string) => ({ target: 'local', root: defaultRoot(environment) });

function awsDefaults(settings: Extract<NonNullable<ParsedConfig['environments']>[string], { target: 'aws' }>): object {
  const { vpc, ha = false } = settings;
  return {
    ...(vpc ? {} : { vpcCidr: DEFAULT_CIDR, nat: defaultNat(ha) }),
    ha: false,
    instanceTypes: DEFAULT_TYPES,
  };
}

function inEach<T>(all: Record<string, T>, make: (item: T, key: string) => object): Record<string, object> {
  return Object.fromEntries(Object.entries(all).map(([key, item]) => [key, make(item, key)]));
}
