import { CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import { CfnInstanceProfile, CfnRole } from 'aws-cdk-lib/aws-iam';
import type { Stack } from 'aws-cdk-lib/core';
import { RUNS } from '../bucket/layout.js';
import { nameTag } from '../cdk/names.js';
import { agentStatements, MACHINE_TRUST, mounts } from '../cdk/role-policies.js';
import { securityGroup } from '../cdk/security-groups.js';
import { IMAGE_PARAMETER, ROOT_DISK } from '../environment/machine.js';
import { TAGS, uniqueName } from '../environment/names.js';
import type { FoundationInputs } from './inputs.js';
import type { Storage } from './storage.js';

const HTTPS = 443;

/** The launch template of workers: all that is the same for each of them, and what they may do. */
export function workerTemplate(
  stack: Stack,
  { scope, workerInstanceType, sourceBuckets }: FoundationInputs,
  { bucket, storage, vpcId }: { bucket: string; storage: Storage; vpcId: string },
): CfnLaunchTemplate {
  const { fileSystemId, writerAccessPointId: accessPointId, clientGroupId } = storage;
  const role = new CfnRole(stack, 'WorkerRole', {
    roleName: `${uniqueName(scope)}-worker`,
    description: `Workers of ${scope.project} in ${scope.environment}`,
    assumeRolePolicyDocument: MACHINE_TRUST,
    policies: [
      {
        policyName: 'worker',
        policyDocument: {
          Version: '2012-10-17',
          Statement: [
            ...agentStatements({ bucket, fileSystemId, runs: RUNS, sourceBuckets }),
            mounts(scope, { fileSystemId, accessPointId, writes: true }),
          ],
        },
      },
    ],
  });
  const profile = new CfnInstanceProfile(stack, 'WorkerProfile', { roles: [role.ref] });
  const group = securityGroup(stack, 'Workers', {
    vpcId,
    name: 'workers',
    description: 'Workers: out to S3, in from nowhere',
    // Isolated subnets have no other way than the endpoint of S3, whose addresses only a look-up would tell.
    out: [{ ipProtocol: 'tcp', fromPort: HTTPS, toPort: HTTPS, cidrIp: '0.0.0.0/0', description: 'S3' }],
  });
  const tags = [
    ...nameTag(stack, 'worker'),
    { key: TAGS.project, value: scope.project },
    { key: TAGS.environment, value: scope.environment },
    { key: TAGS.temporary, value: 'true' },
  ];
  return new CfnLaunchTemplate(stack, 'WorkerTemplate', {
    launchTemplateData: {
      imageId: `resolve:ssm:${IMAGE_PARAMETER}`,
      instanceType: workerInstanceType,
      iamInstanceProfile: { arn: profile.attrArn },
      securityGroupIds: [clientGroupId, group.attrGroupId],
      instanceInitiatedShutdownBehavior: 'terminate',
      metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [ROOT_DISK],
      tagSpecifications: [
        { resourceType: 'instance', tags },
        { resourceType: 'volume', tags },
      ],
    },
  });
}
