import { type DBInstance, DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import { asAws } from '../api/aws-failure.js';
import type { AwsContext } from '../environment/context.js';
import { TAGS } from '../environment/names.js';

/** A database of RDS that is there and costs. */
export interface Database {
  id: string;
  engine: string;
  version: string;
  address: string;
  port: number;
  state: string;
}

/**
 * Every database that Prestage made for this environment, by its tags, and that is not going already: whatever became of the stack
 * that made it, it is still there and is billed.
 */
export async function findDatabases({ session: { rds }, project, environment }: AwsContext): Promise<Database[]> {
  const found: DBInstance[] = [];
  let Marker: string | undefined;
  do {
    const page = await asAws({ action: 'rds:DescribeDBInstances' }, () =>
      rds.send(new DescribeDBInstancesCommand(Marker === undefined ? {} : { Marker })),
    );
    found.push(...(page.DBInstances ?? []));
    Marker = page.Marker;
  } while (Marker);
  return found.flatMap((instance): Database[] => {
    const { DBInstanceIdentifier: id = '', DBInstanceStatus: state = 'unknown', TagList } = instance;
    if (!isOurs(TagList, { project, environment: environment.name }) || state === 'deleting') return [];
    const { Engine: engine = '', EngineVersion: version = '', Endpoint } = instance;
    return [{ id, engine, version, address: Endpoint?.Address ?? '', port: Endpoint?.Port ?? 0, state }];
  });
}

/** By their tags. */
export function isOurs(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] = [],
  scope: { project: string; environment: string },
): boolean {
  const has = (key: string, value: string) => tags.some(({ Key, Value }) => Key === key && Value === value);
  return has(TAGS.project, scope.project) && has(TAGS.environment, scope.environment);
}
