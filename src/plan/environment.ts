/** A named target with its settings. */
export type Environment = { name: string; target: 'local' /** Absolute. */; root: string } | AwsEnvironment;

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
