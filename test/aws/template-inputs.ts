import type { ServicesPlan } from '../../src/plan/index.js';
import type { DataInputs, DataOutputs } from '../../src/targets/aws/data/inputs.js';
import type { FoundationInputs } from '../../src/targets/aws/foundation/inputs.js';
import type { InfrastructureInputs } from '../../src/targets/aws/infrastructure/inputs.js';

/** Inputs of both stacks as a usual project gives them, to be varied. */

const scope = { project: 'portal', environment: 'dev', account: '123456789012', region: 'eu-central-1' };

export const OWN_NETWORK = { kind: 'own', cidr: '10.20.0.0/16', nat: 'one' } as const;
export const EXISTING_NETWORK = {
  kind: 'existing' as const,
  vpcId: 'vpc-0a1b2c3d4e5f60718',
  workerSubnets: ['subnet-0a1b2c3d4e5f60711', 'subnet-0a1b2c3d4e5f60712'],
  hostSubnets: ['subnet-0a1b2c3d4e5f60713', 'subnet-0a1b2c3d4e5f60714'],
};

/** In a single zone. */
export const ONE_ZONE = {
  ...EXISTING_NETWORK,
  workerSubnets: EXISTING_NETWORK.workerSubnets.slice(0, 1),
  hostSubnets: EXISTING_NETWORK.hostSubnets.slice(0, 1),
};

export function someFoundation(change: Partial<FoundationInputs> = {}): FoundationInputs {
  return { scope, network: OWN_NETWORK, workerInstanceType: 'm7i.large', sourceBuckets: [], ...change };
}

const service = { role: 'service' as const, after: [], count: 1, environment: {} };

export const SERVICES: ServicesPlan['services'] = [
  { ...service, name: 'jump', role: 'jump', boot: 'boot/jump.sh' },
  {
    ...service,
    name: 'order-api',
    after: ['jump'],
    needs: ['app'],
    boot: 'boot/api.sh',
    run: 'boot/api-run.sh',
    count: 2,
    port: 8080,
    health: { kind: 'http', path: '/health', timeoutMs: 120_000 },
    environment: { LOG_LEVEL: 'info' },
    allow: ['10.9.0.0/16', 'pl-0a1b2c3d4e5f60718', 'sg-0a1b2c3d4e5f60799'],
  },
  {
    ...service,
    name: 'web',
    after: ['order-api'],
    run: 'boot/web.sh',
    port: 443,
    health: { kind: 'tcp', timeoutMs: 60_000 },
  },
];

export function someData(change: Partial<DataInputs> = {}): DataInputs {
  return {
    scope,
    database: { engine: 'postgres', version: '16' },
    ha: false,
    instanceClass: 'db.t4g.medium',
    vpcId: 'vpc-0a1b2c3d4e5f60718',
    subnetIds: ['subnet-0a1b2c3d4e5f60711', 'subnet-0a1b2c3d4e5f60712'],
    ...change,
  };
}

export const SOME_DATA: DataOutputs = {
  DatabaseInstance: 'prestage-portal-dev-data-database-abcdefghijkl',
  DatabaseSecretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:DatabaseSecret-1a2b3c4d5e6f-1a2b3c',
  DatabaseGroupId: 'sg-0a1b2c3d4e5f60719',
};

export function someInfrastructure(change: Partial<InfrastructureInputs> = {}): InfrastructureInputs {
  return {
    scope,
    network: OWN_NETWORK,
    ha: false,
    instanceTypes: { hosts: 't3.medium', services: { web: 't3.small' } },
    foundation: {
      BucketName: 'prestage-portal-dev-1a2b3c4d',
      FileSystemId: 'fs-0a1b2c3d4e5f60718',
      WriterAccessPointId: 'fsap-0a1b2c3d4e5f60711',
      ReaderAccessPointId: 'fsap-0a1b2c3d4e5f60712',
      VpcId: 'vpc-0a1b2c3d4e5f60718',
      WorkerSubnetIds: ['subnet-0a1b2c3d4e5f60711', 'subnet-0a1b2c3d4e5f60712'],
      StorageClientSecurityGroupId: 'sg-0a1b2c3d4e5f60718',
      LaunchTemplateId: 'lt-0a1b2c3d4e5f60718',
    },
    release: {
      release: '5c1d9a0b7e3f2468',
      packages: [
        { id: 'app', destination: 'opt/app', recipe: '0'.repeat(64) },
        { id: 'tools', destination: 'opt/tools', recipe: '1'.repeat(64) },
      ],
      scripts: [],
    },
    services: { services: SERVICES, database: { engine: 'postgres', version: '16' } },
    data: SOME_DATA,
    imageId: 'ami-0a1b2c3d4e5f60718',
    fallback: { agent: 'a'.repeat(64), job: 'b'.repeat(64) },
    generations: {},
    sourceBuckets: [],
    ...change,
  };
}
