import { CfnInstanceProfile, CfnRole } from 'aws-cdk-lib/aws-iam';
import type { Stack } from 'aws-cdk-lib/core';
import { sha256 } from '../../../core/digest.js';
import type { ServicePlan } from '../../../plan/index.js';
import { CERTIFICATES, FALLBACK_RUNS, HOSTS, NEIGHBOURS } from '../bucket/layout.js';
import { objectsArn } from '../cdk/arn.js';
import { logicalId } from '../cdk/names.js';
import { agentStatements, MACHINE_TRUST, mounts, type Statement } from '../cdk/role-policies.js';
import { type Scope, uniqueName } from '../environment/names.js';
import type { InfrastructureInputs } from './inputs.js';
import { readsSecrets } from './secret-policy.js';

/** IAM takes no longer names. */
const MAX_ROLE_NAME = 64;

/** The name of a service's role. The file system's policy names that of the jump host, which may write to the store. */
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
  const { scope, foundation, sourceBuckets } = inputs;
  const { BucketName: bucket, FileSystemId: fileSystemId } = foundation;
  const isJump = service.role === 'jump';
  const statements = [
    ownReports(bucket, service),
    readsNeighbours(bucket, service),
    mounts(scope, {
      fileSystemId,
      accessPointId: isJump ? foundation.WriterAccessPointId : foundation.ReaderAccessPointId,
      writes: isJump,
    }),
    ...(isJump ? agentStatements({ bucket, fileSystemId, runs: FALLBACK_RUNS, sourceBuckets }) : []),
    ...(secretArn === undefined ? [] : [readsSecret(secretArn), readsCertificates(bucket)]),
    ...readsSecrets(scope, service),
    sessionManager(),
  ];
  const role = new CfnRole(stack, logicalId('Role', service.name), {
    roleName: roleName(inputs.scope, service),
    description: `Hosts of ${service.name} of ${inputs.scope.project} in ${inputs.scope.environment}`,
    assumeRolePolicyDocument: MACHINE_TRUST,
    policies: [{ policyName: 'host', policyDocument: { Version: '2012-10-17', Statement: statements } }],
  });
  return new CfnInstanceProfile(stack, logicalId('Profile', service.name), { roles: [role.ref] });
}

/** A host says how it goes under its own name alone. */
function ownReports(bucket: string, { name }: ServicePlan): Statement {
  return {
    Sid: 'Report',
    Effect: 'Allow',
    Action: ['s3:PutObject'],
    Resource: [objectsArn(bucket, `${HOSTS}${name}-*`)],
  };
}

function readsNeighbours(bucket: string, { name }: ServicePlan): Statement {
  return {
    Sid: 'Neighbours',
    Effect: 'Allow',
    Action: ['s3:GetObject'],
    Resource: [objectsArn(bucket, `${NEIGHBOURS}${name}-*`)],
  };
}

function readsSecret(arn: string): Statement {
  return { Sid: 'DatabaseSecret', Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: [arn] };
}

function readsCertificates(bucket: string): Statement {
  return {
    Sid: 'DatabaseCertificates',
    Effect: 'Allow',
    Action: ['s3:GetObject'],
    Resource: [objectsArn(bucket, `${CERTIFICATES}*`)],
  };
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
