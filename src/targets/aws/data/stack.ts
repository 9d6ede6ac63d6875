import { CfnDBInstance, CfnDBSubnetGroup } from 'aws-cdk-lib/aws-rds';
import { CfnSecret, CfnSecretTargetAttachment } from 'aws-cdk-lib/aws-secretsmanager';
import { BootstraplessSynthesizer, CfnDeletionPolicy, CfnOutput, Fn, type Stack } from 'aws-cdk-lib/core';
import { PrestageError } from '../../../core/errors.js';
import { nameTag } from '../cdk/names.js';
import { securityGroup } from '../cdk/security-groups.js';
import { type Synthesized, synthesize } from '../cdk/synthesize.js';
import { dataStackName } from '../environment/names.js';
import { DATABASE_PORTS, type DataInputs, type DataOutputs } from './inputs.js';

const USER = 'prestage';
const NAME = 'prestage';
/** Gigabytes; it grows by itself. */
const STORAGE = '20';
const MAX_STORAGE = 1000;
const BACKUP_DAYS = 7;
/** RDS then refuses a version that is past its standard support, rather than bill its Extended Support for as long as it lives. */
const NO_EXTENDED_SUPPORT = 'open-source-rds-extended-support-disabled';

/**
 * The database as a template, small enough to be sent inline. The same inputs give the same bytes. The stack is protected from
 * deletion, as the database in it is.
 * @throws AWS_SETTINGS where RDS would refuse
 */
export function synthesizeData(inputs: DataInputs): Synthesized {
  return synthesize({
    scope: inputs.scope,
    stackName: dataStackName(inputs.scope),
    synthesizer: new BootstraplessSynthesizer(),
    isProtected: true,
    build: (stack) => buildData(stack, inputs),
  });
}

/** A database in the subnets without a way out. It outlives the stack: data is lost only by `destroy --purge`. */
export function buildData(stack: Stack, inputs: DataInputs): void {
  const { scope, database, ha, instanceClass, vpcId, subnetIds } = inputs;
  stack.templateOptions.description = `Data of ${scope.project} in ${scope.environment}: its database`;
  stack.templateOptions.metadata = { Prestage: { database } };
  if (subnetIds.length < 2) throw oneZone(scope.environment);
  const group = securityGroup(stack, 'DatabaseGroup', {
    vpcId,
    name: 'database',
    description: 'The database: in from hosts',
  });
  const subnets = new CfnDBSubnetGroup(stack, 'DatabaseSubnets', {
    dbSubnetGroupDescription: `Subnets of the database of ${scope.project} in ${scope.environment}`,
    subnetIds: [...subnetIds],
  });
  const secret = new CfnSecret(stack, 'DatabaseSecret', {
    description: `How to reach the database of ${scope.project} in ${scope.environment}`,
    generateSecretString: {
      secretStringTemplate: JSON.stringify({ username: USER }),
      generateStringKey: 'password',
      passwordLength: 40,
      // What RDS refuses in a password, and quotes, which a shell or a URL stumbles on.
      excludeCharacters: `"'@/\\ \``,
    },
  });
  const instance = new CfnDBInstance(stack, 'Database', {
    engine: database.engine,
    engineVersion: database.version,
    engineLifecycleSupport: NO_EXTENDED_SUPPORT,
    dbInstanceClass: instanceClass,
    dbName: NAME,
    masterUsername: USER,
    masterUserPassword: Fn.join('', ['{{resolve:secretsmanager:', secret.ref, ':SecretString:password}}']),
    port: String(DATABASE_PORTS[database.engine]),
    allocatedStorage: STORAGE,
    maxAllocatedStorage: MAX_STORAGE,
    storageType: 'gp3',
    storageEncrypted: true,
    multiAz: ha,
    dbSubnetGroupName: subnets.ref,
    vpcSecurityGroups: [group.attrGroupId],
    publiclyAccessible: false,
    backupRetentionPeriod: BACKUP_DAYS,
    deleteAutomatedBackups: false,
    deletionProtection: true,
    copyTagsToSnapshot: true,
    autoMinorVersionUpgrade: true,
    // RDS refuses another major version without it. What may change is decided before (database-change.ts).
    allowMajorVersionUpgrade: true,
    enableIamDatabaseAuthentication: true,
    tags: nameTag(stack, 'database'),
  });
  const attachment = new CfnSecretTargetAttachment(stack, 'DatabaseSecretAttachment', {
    secretId: secret.ref,
    targetId: instance.ref,
    targetType: 'AWS::RDS::DBInstance',
  });
  instance.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
  instance.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  const outputs: DataOutputs = {
    DatabaseInstance: instance.ref,
    // Whole, with address and name, once the attachment is there.
    DatabaseSecretArn: attachment.ref,
    DatabaseGroupId: group.attrGroupId,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
}

function oneZone(environment: string): PrestageError {
  return new PrestageError(
    'AWS_SETTINGS',
    `A database needs subnets in two zones, and environment ${environment} names one for the worker and the database.`,
    {
      hint: 'Name a second one, in another zone, under `vpc.workerSubnets`, or leave the database out.',
      context: { key: `environments.${environment}.vpc.workerSubnets` },
    },
  );
}
