import {
  DescribeDBMajorEngineVersionsCommand,
  DescribeOrderableDBInstanceOptionsCommand,
  type OrderableDBInstanceOption,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { DatabasePlan } from '../../../plan/index.js';
import { failed, ok, type Verdict, warning } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { type Examined, listed } from './examined.js';

/** A version that has less than this left is warned of. */
const SOON_MS = 180 * 24 * 60 * 60 * 1000;

/** Whether RDS still makes a database of that version, in that class, and for how long it supports it without extra cost. */
export async function checkDatabase(
  { environment, session }: Examined,
  { engine, version }: DatabasePlan,
  { signal, now }: { signal: AbortSignal; now: () => number },
): Promise<Verdict> {
  const instanceClass = environment.instanceTypes.database;
  const supported = await supportedUntil(session.rds, engine, signal);
  const isOf = (found: string) => version === found || version.startsWith(`${found}.`);
  const [major, end] = [...supported].find(([found]) => isOf(found)) ?? [];
  const open = [...supported]
    .filter(([, date]) => date === undefined || date.getTime() > now())
    .map(([found]) => found);
  const remedy = `Set \`database.version\` to one of ${listed(open)}.`;
  if (major === undefined) return failed(`RDS offers no ${engine} ${version} in ${environment.region}.`, remedy);
  const left = end === undefined ? Number.POSITIVE_INFINITY : end.getTime() - now();
  const date = end?.toISOString().slice(0, 10);
  if (left <= 0)
    return failed(
      `RDS' standard support of ${engine} ${major} ended on ${date}, and it would refuse a new database: Extended Support, which is paid for, is disabled.`,
      remedy,
    );
  const options = await orderable(session.rds, { Engine: engine, DBInstanceClass: instanceClass }, signal);
  const offered = options.some(
    ({ EngineVersion = '' }) => EngineVersion === version || EngineVersion.startsWith(`${version}.`),
  );
  if (!offered)
    return failed(
      `RDS offers ${engine} ${version} not in class ${instanceClass} in ${environment.region}.`,
      `Name another class in \`environments.${environment.name}.instanceTypes.database\`, or another \`database.version\`.`,
    );
  if (left < SOON_MS)
    return warning(`RDS' standard support of ${engine} ${major} ends on ${date}.`, `Plan the upgrade. ${remedy}`);
  return ok(
    `RDS offers ${engine} ${version} in class ${instanceClass}${date === undefined ? '' : `, supported until ${date}`}.`,
  );
}

/** The major versions that RDS knows of, with the end of their standard support. */
async function supportedUntil(
  rds: RDSClient,
  engine: string,
  signal: AbortSignal,
): Promise<Map<string, Date | undefined>> {
  const found = await asAws({ action: 'rds:DescribeDBMajorEngineVersions' }, () =>
    rds.send(new DescribeDBMajorEngineVersionsCommand({ Engine: engine }), { abortSignal: signal }),
  );
  return new Map(
    (found.DBMajorEngineVersions ?? []).map(({ MajorEngineVersion = '', SupportedEngineLifecycles = [] }) => [
      MajorEngineVersion,
      SupportedEngineLifecycles.find(({ LifecycleSupportName: name }) => name === 'open-source-rds-standard-support')
        ?.LifecycleSupportEndDate,
    ]),
  );
}

async function orderable(
  rds: RDSClient,
  wanted: { Engine: string; DBInstanceClass: string },
  signal: AbortSignal,
): Promise<OrderableDBInstanceOption[]> {
  const found: OrderableDBInstanceOption[] = [];
  let marker: string | undefined;
  do {
    const page = await asAws({ action: 'rds:DescribeOrderableDBInstanceOptions' }, () =>
      rds.send(
        new DescribeOrderableDBInstanceOptionsCommand({
          ...wanted,
          ...(marker === undefined ? {} : { Marker: marker }),
        }),
        { abortSignal: signal },
      ),
    );
    found.push(...(page.OrderableDBInstanceOptions ?? []));
    marker = page.Marker;
  } while (marker);
  return found;
}
