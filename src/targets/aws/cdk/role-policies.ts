import { INDEXES } from '../bucket/layout.js';
import type { Scope } from '../environment/names.js';
import { accessPointArn, bucketArn, fileSystemArn, objectsArn } from './arn.js';

/** A statement of a role's policy. */
export interface Statement {
  Sid: string;
  Effect: 'Allow';
  Action: string[];
  Resource: string[];
  Condition?: object;
}

/** The trust of a role that machines have. */
export const MACHINE_TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/** Mounting a file system by one access point, over TLS. */
export function mounts(
  scope: Scope,
  { fileSystemId, accessPointId, writes }: { fileSystemId: string; accessPointId: string; writes: boolean },
): Statement {
  return {
    Sid: 'Mount',
    Effect: 'Allow',
    Action: ['elasticfilesystem:ClientMount', ...(writes ? ['elasticfilesystem:ClientWrite'] : [])],
    Resource: [fileSystemArn(scope, fileSystemId)],
    Condition: {
      StringEquals: { 'elasticfilesystem:AccessPointArn': accessPointArn(scope, accessPointId) },
      Bool: { 'aws:SecureTransport': 'true' },
    },
  };
}

export interface AgentAtWork {
  bucket: string;
  fileSystemId: string;
  /** The prefix of its run's objects: `runs/`. */
  runs: string;
  /** Buckets of other people that it may read. */
  sourceBuckets: readonly string[];
}

/** What the agent does with the bucket: reads what it is told to, writes how it goes and what the store then holds. */
export function agentStatements({ bucket, fileSystemId, runs, sourceBuckets }: AgentAtWork): Statement[] {
  const index = `${INDEXES}${fileSystemId}/`;
  return [
    {
      Sid: 'ReadFiles',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: [
        ...['sources/*', 'agent/*', 'jobs/*'].map((keys) => objectsArn(bucket, keys)),
        ...sourceBuckets.map((each) => objectsArn(each, '*')),
      ],
    },
    { Sid: 'TellOfTheRun', Effect: 'Allow', Action: ['s3:PutObject'], Resource: [objectsArn(bucket, `${runs}*`)] },
    {
      Sid: 'TellOfTheStore',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      Resource: [objectsArn(bucket, `${index}*`)],
    },
    {
      Sid: 'ListTheStore',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [bucketArn(bucket)],
      Condition: { StringLike: { 's3:prefix': `${index}*` } },
    },
  ];
}
