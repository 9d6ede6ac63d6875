import type { AwsNetwork } from '../../../plan/index.js';
import type { Scope } from '../environment/names.js';

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
  /** Anyone who has it may reach the file system's mount targets. */
  StorageClientSecurityGroupId: string;
  LaunchTemplateId: string;
}
