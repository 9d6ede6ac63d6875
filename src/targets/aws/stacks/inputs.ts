import type { AwsNetwork, DatabasePlan, ServicesPlan } from '../../../plan/index.js';
import type { ReleaseContents } from '../../target.js';
import type { Scope } from '../names.js';
import type { AgentInputs } from '../scripts/inputs.js';

/** What the foundation is made from: the same inputs give the same template, byte for byte. */
export interface FoundationInputs {
  scope: Scope;
  network: AwsNetwork;
  /** Subnets of hosts, in zones that no subnet of the worker is in: each zone needs a mount target. */
  furtherSubnets?: readonly string[];
  /** A file system that is there already, with the security groups of its mount targets, which are opened for our machines. */
  existingFileSystem?: { id: string; securityGroupIds: string[] };
  workerInstanceType: string;
  /** Buckets of other people's that the worker may read sources from, sorted. */
  sourceBuckets: readonly string[];
}

/** The outputs of the foundation, by the name of the output. What is a list is joined by commas there. */
export interface FoundationOutputs {
  BucketName: string;
  FileSystemId: string;
  /** Written by the worker, and by a jump host. */
  WriterAccessPointId: string;
  /** Read by hosts. */
  ReaderAccessPointId: string;
  VpcId: string;
  /** Isolated: workers, mount targets, the database. In two zones, or as the configuration names. */
  WorkerSubnetIds: string[];
  /** Whoever has it may reach the file system's mount targets. */
  StorageClientSecurityGroupId: string;
  LaunchTemplateId: string;
}

/** What the database's stack is made from. */
export interface DataInputs {
  scope: Scope;
  database: DatabasePlan;
  ha: boolean;
  instanceClass: string;
  vpcId: string;
  /** In two zones. */
  subnetIds: readonly string[];
}

/** The outputs of the database's stack, by the name of the output. */
export interface DataOutputs {
  DatabaseInstance: string;
  /** `{username, password, host, port, dbname, engine}` */
  DatabaseSecretArn: string;
  /** Which hosts are let in by. */
  DatabaseGroupId: string;
}

/** What the infrastructure is made from: values, never references to the other stack. */
export interface InfrastructureInputs {
  scope: Scope;
  network: AwsNetwork;
  ha: boolean;
  instanceTypes: { hosts: string; services: Readonly<Record<string, string>> };
  foundation: FoundationOutputs;
  release: ReleaseContents;
  services: ServicesPlan;
  /** The database that the services have, where they have one. */
  data: DataOutputs | undefined;
  /** The machine image of hosts: `ami-…`, resolved before. */
  imageId: string;
  /** What a jump host prepares the release by, where it is not there. */
  fallback: AgentInputs;
  /** How often hosts were made again on this release, by their names; absent is never. */
  generations: Readonly<Record<string, number>>;
  /** Buckets of other people's that a jump host may have to read sources from. */
  sourceBuckets: readonly string[];
}
