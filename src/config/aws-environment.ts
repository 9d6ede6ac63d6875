import type { z } from 'zod';
import type { awsEnvironment } from './schema-aws.js';

/** An environment on AWS, with its defaults written out. */
export interface AwsEnvironment {
  name: string;
  target: 'aws';
  region: string;
  account?: string;
  profile?: string;
  assumeRole?: string;
  network: AwsNetwork;
  /** A file system that is there already; absent: one of our own. */
  fileSystemId?: string;
  ha: boolean;
  instanceTypes: { worker: string; hosts: string; database: string; services: Readonly<Record<string, string>> };
}

export type AwsNetwork =
  | { kind: 'own' /** An IPv4 network from /16 to /24. */; cidr: string; nat: 'none' | 'one' | 'per-zone' }
  /** One that is there already; the subnets of each list are in different zones. */
  | { kind: 'existing'; vpcId: string; workerSubnets: string[]; hostSubnets: string[] };

export function normalizeAwsEnvironment(name: string, written: z.output<typeof awsEnvironment>): AwsEnvironment {
  const { target, region, account, profile, assumeRole, vpc, storage, instanceTypes = {} } = written;
  const ha = written.ha ?? false;
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
      services: instanceTypes.services ?? {},
    },
  };
}
