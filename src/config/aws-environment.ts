import type { z } from 'zod';
import type { AwsEnvironment } from '../plan/index.js';
import type { awsEnvironment } from './schema-aws.js';

/** The settings of an environment on AWS with their defaults. */
export function normalizeAwsEnvironment(name: string, written: z.output<typeof awsEnvironment>): AwsEnvironment {
  const { target, region, account, profile, assumeRole, vpc, storage, instanceTypes = {}, services = {} } = written;
  const ha = written.ha ?? false;
  const ownTypes = Object.fromEntries(
    Object.entries(services).flatMap(([service, { instanceType }]) => (instanceType ? [[service, instanceType]] : [])),
  );
  return {
    name,
    target,
    region,
    ...(account === undefined ? {} : { account }),
    ...(profile === undefined ? {} : { profile }),
    ...(assumeRole === undefined ? {} : { assumeRole }),
    network: vpc
      ? {
          kind: 'existing',
          vpcId: vpc.id,
          workerSubnets: vpc.workerSubnets,
          hostSubnets: vpc.hostSubnets ?? vpc.workerSubnets,
        }
      : { kind: 'own', cidr: written.vpcCidr ?? '10.20.0.0/16', nat: written.nat ?? (ha ? 'per-zone' : 'one') },
    ...(storage === undefined ? {} : { fileSystemId: storage.fileSystemId }),
    ha,
    instanceTypes: {
      worker: instanceTypes.worker ?? 'm7i.large',
      hosts: instanceTypes.hosts ?? 't3.medium',
      database: instanceTypes.database ?? 'db.t4g.medium',
      services: { ...instanceTypes.services, ...ownTypes },
    },
  };
}
