import { CfnInstanceProfile, CfnRole } from 'aws-cdk-lib/aws-iam';
import type { Stack } from 'aws-cdk-lib/core';
import { Aws } from 'aws-cdk-lib/core';
import type { ServicePlan } from '../../../../config/index.js';
import { sha256 } from '../../../../core/digest.js';
import { FALLBACKS, HOSTS, indexKeys } from '../../bucket/layout.js';
import { type Scope, uniqueName } from '../../names.js';
import type { InfrastructureInputs } from '../inputs.js';
import { logicalId } from './logical-id.js';

interface Statement {
  Sid: string;
  Effect: 'Allow';
  Action: string[];
  Resource: string[];
  Condition?: object;
}

/** IAM takes no longer names. */
const MAX_ROLE_NAME = 64;

/** Of the jump host, whose role may write to the store: the file system's policy names it, and those of other hosts. */
function roleName(scope: Scope, { name, role }: ServicePlan): string {
  const whole = role === 'jump' ? `${uniqueName(scope)}-jump` : `${uniqueName(scope)}-host-${name}`;
  return whole.length <= MAX_ROLE_NAME ? whole : `${whole.slice(0, MAX_ROLE_NAME - 9)}-${sha256(whole).slice(0, 8)}`;
}

/** The role of a service's hosts, as an instance profile: what its script does, and nothing else. */
export function hostProfile(
  stack: Stack,
  service: ServicePlan,
  inputs: InfrastructureInputs,
  secretArn: string | undefined,
): CfnInstanceProfile {
  const statements = [
    ...ownReports(inputs, service),
    service.role === 'jump' ? writesStore(inputs) : readsStore(inputs),
    ...(service.role === 'jump' ? preparesFiles(inputs) : []),
    ...(secretArn === undefined ? [] : [readsSecret(secretArn)]),
    sessionManager(),
  ];
  const role = new CfnRole(stack, logicalId('Role', service.name), {
    roleName: roleName(inputs.scope, service),
    description: `Hosts of ${service.name} of ${inputs.scope.project} in ${inputs.scope.environment}`,
    assumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    },
    policies: [{ policyName: 'host', policyDocument: { Version: '2012-10-17', Statement: statements } }],
  });
  return new CfnInstanceProfile(stack, logicalId('Profile', service.name), { roles: [role.ref] });
}

/** A host says how it goes under its own name alone. */
function ownReports({ foundation }: InfrastructureInputs, { name }: ServicePlan): Statement[] {
  return [
    {
      Sid: 'Report',
      Effect: 'Allow',
      Action: ['s3:PutObject'],
      Resource: [objects(foundation.BucketName, `${HOSTS}${name}-*`)],
    },
  ];
}

function readsStore({ scope, foundation }: InfrastructureInputs): Statement {
  return mounts(scope, foundation.FileSystemId, ['elasticfilesystem:ClientMount'], [foundation.ReaderAccessPointId]);
}

function writesStore({ scope, foundation }: InfrastructureInputs): Statement {
  const actions = ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'];
  return mounts(scope, foundation.FileSystemId, actions, [foundation.WriterAccessPointId]);
}

function mounts({ region, account }: Scope, fileSystem: string, actions: string[], points: string[]): Statement {
  const arn = `arn:${Aws.PARTITION}:elasticfilesystem:${region}:${account}`;
  return {
    Sid: 'Mount',
    Effect: 'Allow',
    Action: actions,
    Resource: [`${arn}:file-system/${fileSystem}`],
    Condition: {
      StringEquals: { 'elasticfilesystem:AccessPointArn': points.map((point) => `${arn}:access-point/${point}`) },
      Bool: { 'aws:SecureTransport': 'true' },
    },
  };
}

/** What the agent does where the release is not ready: the worker's work. */
function preparesFiles({ foundation, sourceBuckets }: InfrastructureInputs): Statement[] {
  const { BucketName: bucket, FileSystemId } = foundation;
  const { prefix } = indexKeys(FileSystemId);
  return [
    {
      Sid: 'ReadFiles',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: [
        ...['sources/*', 'agent/*', 'jobs/*'].map((keys) => objects(bucket, keys)),
        ...sourceBuckets.map((each) => objects(each, '*')),
      ],
    },
    {
      Sid: 'TellOfTheStore',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      Resource: [objects(bucket, `${prefix}/*`), objects(bucket, `${FALLBACKS}*`)],
    },
    {
      Sid: 'ListTheStore',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [`arn:${Aws.PARTITION}:s3:::${bucket}`],
      Condition: { StringLike: { 's3:prefix': [`${prefix}/*`, `${FALLBACKS}*`] } },
    },
  ];
}

function readsSecret(arn: string): Statement {
  return { Sid: 'DatabaseSecret', Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: [arn] };
}

/** A shell on a host without keys and open ports. AWS has no narrower resource for these. */
function sessionManager(): Statement {
  return {
    Sid: 'SessionManager',
    Effect: 'Allow',
    Action: [
      'ssm:UpdateInstanceInformation',
      'ssmmessages:CreateControlChannel',
      'ssmmessages:CreateDataChannel',
      'ssmmessages:OpenControlChannel',
      'ssmmessages:OpenDataChannel',
    ],
    Resource: ['*'],
  };
}

function objects(bucket: string, keys: string): string {
  return `arn:${Aws.PARTITION}:s3:::${bucket}/${keys}`;
}
