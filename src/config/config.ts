import { dirname, resolve } from 'node:path';
import type { ServerAccess } from '../core/server-access.js';
import {
  type ArchiveLimits,
  type Environment,
  extractionOf,
  orderServices,
  parseSource,
  type Recipe,
  type ServicesPlan,
  type Source,
  type WrittenStep,
} from '../plan/index.js';
import { normalizeAwsEnvironment } from './aws-environment.js';
import { DATABASE_VERSIONS, DEFAULT_MODE, defaultRoot, destinationOf } from './defaults.js';
import { sha256OfIntegrity } from './integrity.js';
import type { KeyPath, SourceFile } from './read/source-file.js';
import type { ParsedConfig } from './schema.js';
import { serverName } from './schema-servers.js';
import { sizeInBytes } from './schema-values.js';
import { normalizeService } from './service-config.js';

/** A configuration that keeps every rule, with its defaults and short forms written out. */
export interface Config {
  /** The configuration file, absolute. */
  file: string;
  /** Its folder, absolute: what relative paths are relative to. */
  folder: string;
  name: string;
  mode: 'two-phase' | 'single-phase';
  /** In the order of the configuration. */
  packages: PackageConfig[];
  services: ServicesPlan;
  /** The one that all of this is for. */
  environment: Environment;
  environments: NamedEnvironment[];
  /** Whether a source, by its name in the lockfile, may be that of another environment. */
  isElsewhere: (source: string) => boolean;
  /** What the values are that nobody else is to read. */
  secrets: string[];
  /** Which values and inputs its texts are made of. */
  references: ValueReference[];
  /** The line of a key in the file, for messages. */
  locate: SourceFile['locate'];
}

/** A value or an input in a text of the configuration. */
export interface ValueReference {
  /** Where the text is, in the configuration as it is for the environment. */
  path: KeyPath;
  /** `values.port`, `env.BUILD` */
  name: string;
  value: string | number | boolean;
  isSecret: boolean;
}

/** What is known of every environment. */
export interface NamedEnvironment {
  name: string;
  target: Environment['target'];
}

export interface PackageConfig {
  id: string;
  source: Source;
  /** How the source's own server lets us in. */
  access: ServerAccess | undefined;
  /** The SHA-256 that `integrity` says, in hex. */
  integrity: string | undefined;
  extract: Recipe['extract'];
  limits: ArchiveLimits | undefined;
  /** The variable with the password of its archives. */
  password: { fromEnv: string } | undefined;
  destination: string;
  /** As they are written: what they are in a recipe follows from the files that they name. */
  steps: WrittenStep[];
}

/** Writes out defaults and short forms. The input keeps all rules (rules.ts). */
export function normalizeConfig(
  file: string,
  parsed: ParsedConfig,
  {
    environment,
    ...around
  }: { environment: string } & Pick<Config, 'environments' | 'isElsewhere' | 'secrets' | 'references' | 'locate'>,
): Config {
  const folder = dirname(file);
  const { database, dns } = parsed;
  const servers = normalizeServers(parsed.servers ?? {}, folder);
  const services = Object.entries(parsed.services ?? {}).map(([name, service]) =>
    normalizeService(name, service, folder),
  );
  return {
    file,
    folder,
    name: parsed.name,
    mode: parsed.mode ?? DEFAULT_MODE,
    packages: Object.entries(parsed.packages).map(([id, written]) => normalizePackage(id, written, servers)),
    services: {
      services: orderServices(services),
      ...(database
        ? {
            database: {
              engine: database.engine,
              version: String(database.version ?? DATABASE_VERSIONS[database.engine]),
            },
          }
        : {}),
      ...(dns ? { dnsZone: dns.zone } : {}),
    },
    environment: normalizeEnvironment(environment, parsed.environments?.[environment], folder),
    ...around,
  };
}

type Servers = ReadonlyMap<string, ServerAccess>;

/** By host, with files as absolute paths: the worker has another working folder. */
function normalizeServers(written: NonNullable<ParsedConfig['servers']>, folder: string): Servers {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));
  return new Map(
    Object.entries(written).map(([server, { auth, ca, cert, key }]) => [
      serverName(server) ?? server,
      { auth, ca: absolute(ca), cert: absolute(cert), key: absolute(key) },
    ]),
  );
}

function normalizePackage(id: string, written: ParsedConfig['packages'][string], servers: Servers): PackageConfig {
  const source = parseSource(written.source, written) ?? { kind: 'local' as const, written: written.source };
  return {
    id,
    source,
    access: servers.get(serverOf(source) ?? ''),
    integrity: written.integrity === undefined ? undefined : sha256OfIntegrity(written.integrity),
    extract: normalizeExtract(written.extract, source),
    limits: normalizeLimits(written.limits),
    password: written.password,
    destination: destinationOf(id, written),
    steps: written.steps ?? [],
  };
}

/** Zips that programs run or install as they are. */
export function isUsedWhole(path: string): boolean {
  return /\.(jar|war|ear|whl|nupkg)$/i.test(path);
}

function normalizeExtract(written: ParsedConfig['packages'][string]['extract'], source: Source): Recipe['extract'] {
  // A URL is shown without its query.
  if (written === undefined)
    return isUsedWhole(addressOf(source).replace(/^(\w+:[^?#]*).*/s, '$1')) ? 'single' : 'auto';
  if (typeof written === 'boolean') return written ? { strip: 0 } : false;
  return extractionOf(written);
}

/** The server that a login may be for: never one by http. */
function serverOf(source: Source): string | undefined {
  if (source.kind === 'oci') return source.registry;
  return source.kind === 'http' && source.url.protocol === 'https:' ? source.url.host : undefined;
}

/** What ends with the name of its file. */
function addressOf(source: Source): string {
  if (source.kind === 'oci') return String(source.layer ?? '');
  return source.kind === 'http' && source.isMaven ? source.url.href : source.written;
}

function normalizeLimits(written: ParsedConfig['packages'][string]['limits']): ArchiveLimits | undefined {
  if (written === undefined) return undefined;
  const { size, ...others } = written;
  return size === undefined ? others : { ...others, size: sizeInBytes(size) };
}

export function normalizeEnvironment(
  name: string,
  written: NonNullable<ParsedConfig['environments']>[string] = { target: 'local' },
  folder: string,
): Environment {
  if (written.target === 'local')
    return { name, target: 'local', root: resolve(folder, written.root ?? defaultRoot(name)) };
  return normalizeAwsEnvironment(name, written);
}
