import type { ServicePlan } from '../../../../config/index.js';
import { PrestageError } from '../../../../core/errors.js';
import { hostName } from '../../../host-name.js';
import { databaseCertificates } from '../../data/certificates.js';
import { STORE_ROOT } from '../../names.js';
import type { HostInputs } from '../../scripts/inputs.js';
import type { InfrastructureInputs } from '../inputs.js';
import { hostAddress, serviceAddress, zoneName } from './zone.js';

/** What CloudFormation fills in: a word that stands for it until then, so that the rest can be digested. */
export const SIGNAL_URL = '@signal-url@';

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
    port: service.port,
    health: service.health,
    variables: variablesOf(service, index, inputs),
    database: inputs.data && { secret: inputs.data.DatabaseSecretArn, ...databaseCertificates(scope.region) },
    signalUrl: SIGNAL_URL,
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
    ...Object.assign(
      {},
      ...services.services.filter(({ name }) => name !== service.name).map((other) => addressOf(other, zone)),
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
