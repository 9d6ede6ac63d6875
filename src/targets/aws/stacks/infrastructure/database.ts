import type { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnDBInstance, CfnDBSubnetGroup } from 'aws-cdk-lib/aws-rds';
import { CfnSecret, CfnSecretTargetAttachment } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnDeletionPolicy, CfnOutput, Fn, type Stack } from 'aws-cdk-lib/core';
import type { DatabasePlan } from '../../../../config/index.js';
import { PrestageError } from '../../../../core/errors.js';
import type { InfrastructureInputs } from '../inputs.js';
import { nameTag } from '../name-tag.js';
import { securityGroup } from '../security-groups.js';

export interface Database {
  group: CfnSecurityGroup;
  port: number;
  secret: CfnSecret;
  /** The secret is whole, with address and name, when this is there. */
  attachment: CfnSecretTargetAttachment;
}

const PORTS = { postgres: 5432, mysql: 3306 } as const;
const USER = 'prestage';
const NAME = 'prestage';
/** Gigabytes; it grows by itself. */
const STORAGE = '20';
const MAX_STORAGE = 1000;
const BACKUP_DAYS = 7;
/** RDS then refuses a version that is past its standard support, rather than bill its Extended Support for as long as it lives. */
const NO_EXTENDED_SUPPORT = 'open-source-rds-extended-support-disabled';

/**
 * A database in the subnets without a way out. It outlives the stack: data is lost only by `destroy --purge`.
 * @throws AWS_SETTINGS where RDS would refuse
 */
export function database(stack: Stack, plan: DatabasePlan, inputs: InfrastructureInputs): Database {
  const { foundation, ha, instanceTypes, scope } = inputs;
  if (foundation.WorkerSubnetIds.length < 2) throw oneZone(scope.environment);
  const port = PORTS[plan.engine];
  const group = securityGroup(stack, 'DatabaseGroup', {
    vpcId: foundation.VpcId,
    name: 'database',
    description: 'The database: in from hosts',
  });
  const subnets = new CfnDBSubnetGroup(stack, 'DatabaseSubnets', {
    dbSubnetGroupDescription: `Subnets of the database of ${scope.project} in ${scope.environment}`,
    subnetIds: foundation.WorkerSubnetIds,
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
    engine: plan.engine,
    engineVersion: plan.version,
    engineLifecycleSupport: NO_EXTENDED_SUPPORT,
    dbInstanceClass: instanceTypes.database,
    dbName: NAME,
    masterUsername: USER,
    masterUserPassword: Fn.join('', ['{{resolve:secretsmanager:', secret.ref, ':SecretString:password}}']),
    port: String(port),
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
  new CfnOutput(stack, 'DatabaseInstance', { value: instance.ref });
  return { group, port, secret, attachment };
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
