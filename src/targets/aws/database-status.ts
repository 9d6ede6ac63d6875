import { DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import type { TargetStatus } from '../target.js';
import { asAws } from './aws-failure.js';
import type { StackState } from './cloudformation/stack-state.js';
import type { AwsContext } from './context.js';

/** The database of the infrastructure, as RDS tells of it; undefined where there is none. */
export async function databaseStatus(
  { session }: AwsContext,
  stack: StackState | undefined,
): Promise<TargetStatus['database']> {
  const id = stack?.outputs.DatabaseInstance;
  if (id === undefined) return undefined;
  const found = await asAws({ action: 'rds:DescribeDBInstances', resource: id }, () =>
    session.rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id })),
  );
  const instance = found.DBInstances?.[0];
  if (instance === undefined) return undefined;
  return {
    engine: instance.Engine ?? '',
    version: instance.EngineVersion ?? '',
    address: instance.Endpoint?.Address ?? '',
    port: instance.Endpoint?.Port ?? 0,
    state: instance.DBInstanceStatus ?? 'unknown',
  };
}
