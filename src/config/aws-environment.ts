import type { z } from 'zod';
import type { AwsEnvironment } from '../plan/index.js';
import { DEFAULT_CIDR, DEFAULT_TYPES, defaultNat } from './defaults.js';
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
      : { kind: 'own', cidr: written.vpcCidr ?? DEFAULT_CIDR, nat: written.nat ?? defaultNat(ha) },
    ...(storage === undefined ? {} : { fileSystemId: storage.fileSystemId }),
    ha,
    instanceTypes: {
      worker: instanceTypes.worker ?? DEFAULT_TYPES.worker,
      hosts: instanceTypes.hosts ?? DEFAULT_TYPES.hosts,
      database: instanceTypes.database ?? DEFAULT_TYPES.database,
      services: { ...instanceTypes.services, ...ownTypes },
    },
  };
}
