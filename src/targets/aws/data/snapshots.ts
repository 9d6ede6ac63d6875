import {
  CreateDBSnapshotCommand,
  type DBSnapshot,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
} from '@aws-sdk/client-rds';
import type { CommandContext } from '../../../core/command-context.js';
import { asAws } from '../api/aws-failure.js';
import { until } from '../api/until.js';
import type { AwsContext } from '../environment/context.js';
import { TAGS } from '../environment/names.js';
import { isOurs } from './find-databases.js';

/** A large database takes hours where RDS has no earlier backup to build on. */
const LIMIT_MS = 3 * 60 * 60_000;

/** Keeps what a database is before something that cannot be undone. */
export async function takeSnapshot(
  { session: { rds }, project, environment }: AwsContext,
  DBInstanceIdentifier: string,
  version: string,
  { emit, signal }: CommandContext,
): Promise<void> {
  const DBSnapshotIdentifier = `${DBInstanceIdentifier}-before-${version.replaceAll('.', '-')}-${Date.now()}`;
  const context = { action: 'rds:CreateDBSnapshot', resource: DBInstanceIdentifier };
  emit({
    type: 'notice',
    message: `Taking snapshot ${DBSnapshotIdentifier} of the database before its upgrade to ${version}.`,
  });
  const tags = { [TAGS.project]: project, [TAGS.environment]: environment.name, [TAGS.snapshot]: `before-${version}` };
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await asAws(context, () =>
    rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier, DBSnapshotIdentifier, Tags })),
  );
  const isThere = async () => {
    const { DBSnapshots = [] } = await asAws(
      { action: 'rds:DescribeDBSnapshots', resource: DBSnapshotIdentifier },
      () => rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier })),
    );
    return DBSnapshots[0]?.Status === 'available';
  };
  await until(isThere, { what: `snapshot ${DBSnapshotIdentifier}`, signal, limitMs: LIMIT_MS });
}

/** The snapshots that Prestage took. Those that somebody else took of its databases have its other tags as well, and stay. */
export async function findSnapshots({ session: { rds }, project, environment }: AwsContext): Promise<string[]> {
  const found: DBSnapshot[] = [];
  let Marker: string | undefined;
  do {
    const page = await asAws({ action: 'rds:DescribeDBSnapshots' }, () =>
      rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual', ...(Marker === undefined ? {} : { Marker }) })),
    );
    found.push(...(page.DBSnapshots ?? []));
    Marker = page.Marker;
  } while (Marker);
  return found.flatMap(({ DBSnapshotIdentifier = '', TagList = [] }) => {
    const isTaken = TagList.some(({ Key }) => Key === TAGS.snapshot);
    return isTaken && isOurs(TagList, { project, environment: environment.name }) ? [DBSnapshotIdentifier] : [];
  });
}

export async function removeSnapshot({ session: { rds } }: AwsContext, DBSnapshotIdentifier: string): Promise<void> {
  await asAws({ action: 'rds:DeleteDBSnapshot', resource: DBSnapshotIdentifier }, () =>
    rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier })),
  );
}
