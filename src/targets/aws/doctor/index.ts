import type { DatabasePlan } from '../../../plan/index.js';
import type { Check } from '../../checks/run-checks.js';
import { keptVariables, secretsVerdict } from '../../checks/secrets.js';
import { openSession } from '../api/session.js';
import { dataStackName, foundationStackName, infrastructureStackName } from '../environment/names.js';
import { findSecretFaults } from '../hosts/secret-faults.js';
import { checkClock } from './clock.js';
import { checkCredentials, checkRegion } from './credentials.js';
import { checkDatabase } from './database.js';
import type { Examined } from './examined.js';
import { checkFileSystem, checkMountPolicy, checkMountTargets } from './file-system.js';
import { checkImage } from './image.js';
import { checkInstanceTypes, firstZones } from './instance-types.js';
import { checkSubnets, checkVpc, type ExistingNetwork, findSubnets } from './network.js';
import { checkPackages } from './packages.js';
import { checkAddressQuota, checkVpcQuota } from './quotas.js';
import { checkStack } from './stacks.js';
import { checkVcpuQuota } from './vcpus.js';
import { checkWayToS3 } from './way-to-s3.js';

/** In how many zones a VPC of our own is made. */
const ZONES = 2;

/** What of AWS is to be looked at before an environment is deployed to it. `now` is this machine's clock, in ms since 1970. */
export function awsChecks(given: Omit<Examined, 'session'>, { now = Date.now }: { now?: () => number } = {}): Check[] {
  const examined: Examined = { ...given, session: openSession(given.environment) };
  const { project, environment, services } = examined;
  const { network, fileSystemId } = environment;
  const scope = { project, environment: environment.name };
  const kept = keptVariables(services).length;
  /** Who cannot be known to be of the right account must not be told what is in another. */
  const known = (name: string, run: Check['run'], needs = 'credentials'): Check => ({ name, needs, run });
  return [
    { name: 'packages', run: async () => checkPackages() },
    { name: 'clock', run: (signal) => checkClock(examined, { signal, now }) },
    { name: 'credentials', run: (signal) => checkCredentials(examined, { signal, now }) },
    { name: 'region', run: (signal) => checkRegion(examined, signal) },
    known('foundation', () => checkStack(examined, foundationStackName(scope))),
    known('data', () => checkStack(examined, dataStackName(scope))),
    known('infrastructure', () => checkStack(examined, infrastructureStackName(scope))),
    known('image', (signal) => checkImage(examined, signal)),
    ...(network.kind === 'own'
      ? ownNetworkChecks(examined, network.nat, known)
      : existingNetworkChecks(examined, network, known)),
    known('vCPUs', (signal) => checkVcpuQuota(examined, signal)),
    ...(kept === 0 ? [] : [secretsCheck(examined, kept, known)]),
    ...(services.database === undefined ? [] : [databaseCheck(examined, services.database, now, known)]),
    ...(fileSystemId === undefined
      ? []
      : fileSystemChecks(examined, fileSystemId, network.kind === 'own' ? undefined : network, known)),
  ];
}

type Known = (name: string, run: Check['run'], needs?: string) => Check;

function secretsCheck({ services, session }: Examined, count: number, known: Known): Check {
  return known('secrets', async (signal) => secretsVerdict(count, await findSecretFaults(services, session, signal)));
}

function databaseCheck(examined: Examined, database: DatabasePlan, now: () => number, known: Known): Check {
  return known('database', (signal) => checkDatabase(examined, database, { signal, now }));
}

function ownNetworkChecks(examined: Examined, nat: 'none' | 'one' | 'per-zone', known: Known): Check[] {
  const gateways = { none: 0, one: 1, 'per-zone': ZONES }[nat];
  return [
    known('instance types', async (signal) => checkInstanceTypes(examined, await firstZones(examined, signal), signal)),
    known('VPCs', (signal) => checkVpcQuota(examined, signal)),
    ...(gateways === 0 ? [] : [known('Elastic IPs', (signal) => checkAddressQuota(examined, gateways, signal))]),
  ];
}

function existingNetworkChecks(examined: Examined, network: ExistingNetwork, known: Known): Check[] {
  const zones = async () => [
    ...new Set((await findSubnets(examined, network)).map(({ AvailabilityZone = '' }) => AvailabilityZone)),
  ];
  return [
    known('VPC', (signal) => checkVpc(examined, network, signal)),
    known('subnets', async () => checkSubnets(examined, network, await findSubnets(examined, network))),
    known(
      'way to S3',
      async (signal) => checkWayToS3(examined, network, await findSubnets(examined, network), signal),
      'subnets',
    ),
    known('instance types', async (signal) => checkInstanceTypes(examined, (await zones()).sort(), signal), 'subnets'),
  ];
}

function fileSystemChecks(examined: Examined, id: string, network: ExistingNetwork | undefined, known: Known): Check[] {
  return [
    known('file system', (signal) => checkFileSystem(examined, id, signal)),
    known(
      'mount targets',
      async (signal) => {
        const subnets = network === undefined ? [] : await findSubnets(examined, network);
        return checkMountTargets(examined, id, { network, subnets }, signal);
      },
      'file system',
    ),
    known('mount policy', (signal) => checkMountPolicy(examined, id, signal), 'file system'),
  ];
}
