import { PrestageError } from '../../../core/errors.js';
import type { ServicePlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import { databaseCertificates } from '../data/certificates.js';
import { STORE_ROOT } from '../environment/names.js';
import type { HostInputs } from '../scripts/inputs.js';
import { secretsOfHosts } from './host-secrets.js';
import type { InfrastructureInputs } from './inputs.js';
import { hostAddress, serviceAddress, zoneName } from './zone.js';

/** What CloudFormation fills in: a word that stands for it until then, so that the rest can be digested. */
export const SIGNAL_URL = '@signal-url@';
export const NEIGHBOURS_KEY = '@neighbours-key@';

/** How long the jump host may take to prepare what is not ready, and others wait for it. */
export const PREPARE_SECONDS = 2 * 60 * 60;

/** Who `run` is executed as, unless the configuration says otherwise: a user without privileges that the host makes. */
const SERVICE_USER = 'prestage';

/** What the script of a host is made from. */
export function hostInputs(service: ServicePlan, index: number, inputs: InfrastructureInputs): HostInputs {
  const { scope, foundation, release, services, fallback } = inputs;
  const isJump = service.role === 'jump';
  const hasJump = services.services.some(({ role }) => role === 'jump');
  return {
    bucket: foundation.BucketName,
    region: scope.region,
    fileSystemId: foundation.FileSystemId,
    accessPointId: isJump ? foundation.WriterAccessPointId : foundation.ReaderAccessPointId,
    host: hostName(service.name, index),
    service: service.name,
    index,
    release: release.release,
    needs: destinationsOf(service, inputs),
    boot: service.boot,
    run: service.run,
    bootUser: service.bootUser ?? 'root',
    user: service.user ?? SERVICE_USER,
    stop: service.stop,
    restart: service.restart,
    logs: service.logs ?? [],
    files: service.files ?? {},
    port: service.port,
    health: service.health,
    variables: variablesOf(service, index, inputs),
    secrets: secretsOfHosts(service),
    database: inputs.data && { secret: inputs.data.DatabaseSecretArn, ...databaseCertificates(scope.region) },
    signalUrl: SIGNAL_URL,
    neighboursKey: NEIGHBOURS_KEY,
    notReady: isJump
      ? { do: 'prepare', ...fallback }
      : hasJump
        ? { do: 'wait', waitSeconds: PREPARE_SECONDS }
        : { do: 'fail' },
  };
}

/** Which packages' files must be there; a service that names none may use any. */
function destinationsOf({ name, needs }: ServicePlan, { release }: InfrastructureInputs): string[] {
  if (needs === undefined) return release.packages.map(({ destination }) => destination);
  return needs.map((id) => {
    const found = release.packages.find((each) => each.id === id);
    if (found !== undefined) return found.destination;
    throw new PrestageError(
      'CONFIG_INVALID',
      `Service ${name} needs package ${id}, which release ${release.release} has not.`,
      {
        hint: 'Deploy a release that has it, or take it out of the `needs` of the service.',
        context: { service: name, package: id },
      },
    );
  });
}

/** What `boot` and `run` find in their environment; the script itself adds PRESTAGE_HOST and what is of the database. */
function variablesOf(service: ServicePlan, index: number, inputs: InfrastructureInputs): Record<string, string> {
  const { scope, release, services } = inputs;
  const zone = zoneName(scope, services);
  return {
    ...service.environment,
    PRESTAGE_RELEASE: release.release,
    PRESTAGE_ROOT: `${STORE_ROOT}/releases/${release.release}`,
    PRESTAGE_SERVICE: service.name,
    PRESTAGE_INDEX: String(index),
    PRESTAGE_NAME: serviceAddress(service.name, zone),
    ...(service.port === undefined ? {} : { PRESTAGE_PORT: String(service.port) }),
  };
}

export interface Neighbours {
  variables: Readonly<Record<string, string>>;
  /** Which must take connections before this one boots. CloudFormation waits for their hosts, and not for their balancers. */
  first: readonly { host: string; port: number }[];
}

/**
 * Where the other services are, as variables. They are no part of what makes a host the one that it is: it reads them again while it
 * runs, and stays when another service gets a host more.
 */
export function neighboursOf(
  service: string,
  { scope, services }: Pick<InfrastructureInputs, 'scope' | 'services'>,
): Neighbours {
  const zone = zoneName(scope, services);
  const others = services.services.filter(({ name }) => name !== service);
  const { after = [] } = services.services.find(({ name }) => name === service) ?? {};
  return {
    variables: Object.assign({}, ...others.map((other) => addressOf(other, zone))),
    first: others.flatMap(({ name, port }) =>
      port === undefined || !after.includes(name) ? [] : [{ host: serviceAddress(name, zone), port }],
    ),
  };
}

/** Where another service is: by name, since an address need then not be known before there is one. */
function addressOf({ name, port, count }: ServicePlan, zone: string): Record<string, string> {
  const prefix = `PRESTAGE_${name.toUpperCase().replaceAll('-', '_')}`;
  const hosts = Array.from({ length: count }, (_, index) => hostAddress(name, index, zone));
  return {
    [`${prefix}_HOST`]: serviceAddress(name, zone),
    ...(port === undefined ? {} : { [`${prefix}_PORT`]: String(port) }),
    [`${prefix}_HOSTS`]: hosts.map((host) => (port === undefined ? host : `${host}:${port}`)).join(','),
    [`${prefix}_NAME`]: serviceAddress(name, zone),
  };
}
