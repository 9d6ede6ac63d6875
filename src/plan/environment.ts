import { sha256 } from '../core/digest.js';

/** A named target with its settings. */
export type Environment = { name: string; target: 'local' /** Absolute. */; root: string } | AwsEnvironment;

/** An environment on AWS, with its defaults written out. */
export interface AwsEnvironment {
  name: string;
  /** The environment of the configuration that this one was made after, where it is one of `prestage test`. */
  trialOf?: string;
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

/** As long as a name in a configuration may be: names of zones are made of it. */
const MAX_NAME = 31;

/**
 * The environment that `prestage test` makes beside this one, and removes. Its name, and so the names and tags of all that is in it, are
 * nobody else's, and always the same: the next command finds what a test that was killed has left. A file system that the
 * configuration names is not used, since what is prepared on it would stay; a network is, and stays as it is.
 */
export function trialOf({ fileSystemId: _, ...environment }: AwsEnvironment): AwsEnvironment {
  const { name } = environment;
  const suffix = `-test-${sha256(name).slice(0, 4)}`;
  return { ...environment, trialOf: name, name: `${name.slice(0, MAX_NAME - suffix.length)}${suffix}` };
}
