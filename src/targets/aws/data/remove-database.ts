import {
  DBInstanceNotFoundFault,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
} from '@aws-sdk/client-rds';
import type { CommandContext } from '../../../core/command-context.js';
import { asAws } from '../api/aws-failure.js';
import type { Session } from '../api/session.js';
import { until } from '../api/until.js';

const LIMIT_MS = 30 * 60_000;

/** Removes a database with its data and its automated backups: CloudFormation keeps it, and it is protected from deletion. */
export async function removeDatabase(
  { rds }: Pick<Session, 'rds'>,
  id: string,
  { emit, signal }: CommandContext,
): Promise<void> {
  const engine = await engineOf(rds, id);
  if (engine === undefined) return;
  await asAws({ action: 'rds:ModifyDBInstance', resource: id }, () =>
    rds.send(
      new ModifyDBInstanceCommand({ DBInstanceIdentifier: id, DeletionProtection: false, ApplyImmediately: true }),
    ),
  );
  await asAws({ action: 'rds:DeleteDBInstance', resource: id }, () =>
    rds.send(
      new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true, DeleteAutomatedBackups: true }),
    ),
  );
  await until(async () => (await engineOf(rds, id)) === undefined, {
    what: `database ${id} to be deleted`,
    signal,
    limitMs: LIMIT_MS,
  });
  emit({ type: 'database.stopped', engine });
}

/** Undefined where there is no such database. */
async function engineOf(rds: Session['rds'], id: string): Promise<string | undefined> {
  const found = await asAws({ action: 'rds:DescribeDBInstances', resource: id }, () =>
    rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id })).catch((error: unknown) => {
      if (error instanceof DBInstanceNotFoundFault) return undefined;
      throw error;
    }),
  );
  return found?.DBInstances?.[0]?.Engine;
}
