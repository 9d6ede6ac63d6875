import { CfnAccessPoint, CfnFileSystem, CfnMountTarget } from 'aws-cdk-lib/aws-efs';
import { Aws, CfnDeletionPolicy, type Stack } from 'aws-cdk-lib/core';
import { nameTag } from '../cdk/names.js';
import { letIn, letOut, securityGroup } from '../cdk/security-groups.js';
import { type Scope, scopeName, TAGS, uniqueName } from '../environment/names.js';
import type { FoundationInputs } from './inputs.js';
import type { FoundationNetwork } from './network.js';

export interface Storage {
  fileSystemId: string;
  writerAccessPointId: string;
  readerAccessPointId: string;
  /** Anyone who has it reaches the mount targets. */
  clientGroupId: string;
}

const NFS = 2049;
/**
 * Who everything in the store belongs to, for writers and readers alike: a number that no machine has. Not root, which an
 * access point would need another permission for.
 */
const OWNER = { uid: '7377', gid: '7377' };

/** The file system of the store, or a folder of the one that the configuration names, and how it is reached. */
export function storageOf(
  stack: Stack,
  inputs: FoundationInputs,
  { vpcId, workerSubnetIds }: FoundationNetwork,
): Storage {
  const { scope, existingFileSystem } = inputs;
  const client = securityGroup(stack, 'StorageClients', {
    vpcId,
    name: 'storage-clients',
    description: 'Whoever mounts the store',
  });
  const fileSystemId = existingFileSystem?.id ?? ownFileSystem(stack, scope);
  const targetGroups =
    existingFileSystem?.securityGroupIds ??
    mountTargets(stack, { fileSystemId, vpcId, subnetIds: [...workerSubnetIds, ...(inputs.furtherSubnets ?? [])] });
  targetGroups.forEach((to, number) => {
    const passage = { from: client.attrGroupId, to, port: NFS, description: 'The store, over TLS' };
    letIn(stack, `StorageIn${number}`, passage);
    letOut(stack, `StorageOut${number}`, passage);
  });
  const point = (id: 'Writer' | 'Reader') =>
    new CfnAccessPoint(stack, `${id}AccessPoint`, {
      fileSystemId,
      posixUser: OWNER,
      rootDirectory: {
        path: `/${scopeName(scope)}`,
        creationInfo: { ownerUid: OWNER.uid, ownerGid: OWNER.gid, permissions: '755' },
      },
      accessPointTags: [...nameTag(stack, id.toLowerCase()), ...ownTags(scope)],
    });
  return {
    fileSystemId,
    writerAccessPointId: point('Writer').ref,
    readerAccessPointId: point('Reader').ref,
    clientGroupId: client.attrGroupId,
  };
}

/** It outlives the stack: what is prepared is lost only by `destroy --purge`. */
function ownFileSystem(stack: Stack, scope: Scope): string {
  const fileSystem = new CfnFileSystem(stack, 'FileSystem', {
    encrypted: true,
    performanceMode: 'generalPurpose',
    // Paid by what is read and written, and fast at once: a preparation is a burst, and nothing after it.
    throughputMode: 'elastic',
    // All of it can be prepared again. Backups cost each month, and no command of ours could remove them with the store.
    backupPolicy: { status: 'DISABLED' },
    fileSystemPolicy: fileSystemPolicy(scope),
    fileSystemTags: [...nameTag(stack, 'store'), ...ownTags(scope)],
  });
  fileSystem.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
  fileSystem.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  return fileSystem.ref;
}

const MOUNTING = [
  'elasticfilesystem:ClientMount',
  'elasticfilesystem:ClientWrite',
  'elasticfilesystem:ClientRootAccess',
];

/**
 * Refuses anyone who comes without TLS, without an access point, or as a role that is not ours. It allows nobody: what it
 * allowed would hold beside what a role's own policy says, for any access point. So each role mounts by the access point that
 * its own policy names, and by no other.
 */
function fileSystemPolicy(scope: Scope): object {
  const ours = ['worker', 'jump', 'host-*'].map(
    (name) => `arn:${Aws.PARTITION}:iam::${scope.account}:role/${uniqueName(scope)}-${name}`,
  );
  const deny = (Sid: string, Action: string | string[], Condition: object) => ({
    Sid,
    Effect: 'Deny',
    Principal: { AWS: '*' },
    Action,
    Condition,
  });
  return {
    Version: '2012-10-17',
    Statement: [
      deny('TlsOnly', '*', { Bool: { 'aws:SecureTransport': 'false' } }),
      deny('AccessPointsOnly', MOUNTING, { Null: { 'elasticfilesystem:AccessPointArn': 'true' } }),
      deny('OurRolesOnly', MOUNTING, { ArnNotLike: { 'aws:PrincipalArn': ours } }),
    ],
  };
}

/** @returns the ids of their security groups */
function mountTargets(
  stack: Stack,
  { fileSystemId, vpcId, subnetIds }: { fileSystemId: string; vpcId: string; subnetIds: readonly string[] },
): string[] {
  const group = securityGroup(stack, 'MountTargets', {
    vpcId,
    name: 'mount-targets',
    description: 'Mount targets of the store: in from whoever may mount it',
  });
  subnetIds.forEach((subnetId, zone) => {
    new CfnMountTarget(stack, `MountTarget${zone}`, { fileSystemId, subnetId, securityGroups: [group.attrGroupId] });
  });
  return [group.attrGroupId];
}

/** Constructs of EFS have tags under names of their own. */
function ownTags({ project, environment }: Scope) {
  return [
    { key: TAGS.project, value: project },
    { key: TAGS.environment, value: environment },
  ];
}
