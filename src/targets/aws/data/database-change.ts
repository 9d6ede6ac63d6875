import { PrestageError } from '../../../core/errors.js';
import type { ServicesChange } from '../../target.js';
import type { Template } from '../cloudformation/stack-state.js';

/** What becomes of a database, and of its data, in words. */
export interface DatabaseChange {
  action: ServicesChange['database'];
  detail: string;
}

/** How many parts of a version are its major one. */
const MAJOR_PARTS: Readonly<Record<string, number>> = { postgres: 1, mysql: 2 };

/**
 * What becomes of the database when one template of its stack takes the place of another.
 * @param actual the version that it has now, where that is known: RDS upgrades minor ones by itself
 * @throws CONFIG_INVALID where data would be lost or split
 */
export function databaseChange(
  deployed: Template | undefined,
  wanted: Template | undefined,
  actual?: string,
): DatabaseChange {
  const [before, after] = [databaseOf(deployed), databaseOf(wanted)];
  if (before === undefined)
    return after === undefined ? { action: 'none', detail: '' } : { action: 'create', detail: 'new' };
  if (after === undefined) return { action: 'retain', detail: RETAINED };
  if (before.engine !== after.engine)
    throw refused(before, after, 'its data would stay in the old one, and the new one be empty');
  const version = versionChange(before, after, actual);
  const others = [
    ...(before.instanceClass === after.instanceClass
      ? []
      : [`its class becomes ${after.instanceClass}: it is away for some minutes`]),
    ...(before.ha === after.ha ? [] : [after.ha ? 'it gets a standby in another zone' : 'its standby goes']),
  ];
  const detail = [...(version === undefined ? [] : [version.detail]), ...others].join('; ');
  if (detail === '') return { action: 'keep', detail: '' };
  return { action: version?.action ?? 'change', detail: `${detail}; its data stays` };
}

const RETAINED = 'no longer wanted; it stays in RDS with its data, and costs, until `prestage destroy --purge`';

interface Settings {
  engine: string;
  version: string;
  instanceClass: string;
  ha: boolean;
}

function databaseOf(template: Template | undefined): Settings | undefined {
  const found = Object.values(template?.Resources ?? {}).find(({ Type }) => Type === 'AWS::RDS::DBInstance');
  if (found === undefined) return undefined;
  const { Engine, EngineVersion, DBInstanceClass, MultiAZ } = found.Properties ?? {};
  return {
    engine: String(Engine),
    version: String(EngineVersion),
    instanceClass: String(DBInstanceClass),
    ha: MultiAZ === true,
  };
}

function versionChange(before: Settings, after: Settings, actual: string | undefined): DatabaseChange | undefined {
  if (before.version === after.version) return undefined;
  const now = partsOf(actual ?? before.version);
  const next = partsOf(after.version);
  const common = Math.min(now.length, next.length);
  const order = compare(now.slice(0, common), next.slice(0, common));
  const from = `${before.engine} ${actual ?? before.version}`;
  if (order > 0)
    throw refused({ ...before, version: actual ?? before.version }, after, 'RDS cannot go back to an older version');
  const major = MAJOR_PARTS[after.engine] ?? 1;
  if (compare(now.slice(0, major), next.slice(0, major)) === 0)
    return { action: 'change', detail: `it goes from ${from} to ${after.version}` };
  return {
    action: 'upgrade',
    detail: `it goes from ${from} to ${after.version}, after a snapshot: it is away for some minutes, and there is no way back but by that snapshot`,
  };
}

function partsOf(version: string): number[] {
  return version.split('.').map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, part] of a.entries()) if (part !== b[index]) return part - (b[index] ?? 0);
  return 0;
}

function refused(before: Settings, after: Settings, why: string): PrestageError {
  return new PrestageError(
    'CONFIG_INVALID',
    `The database is ${before.engine} ${before.version}, and cannot become ${after.engine} ${after.version}: ${why}. Nothing was changed.`,
    {
      hint: 'Take back the change. Or deploy it as another environment and move the data there; or dump the data, remove the old database by `prestage destroy --purge`, and deploy again.',
      context: {
        key: 'database',
        expected: `${before.engine} ${before.version}`,
        found: `${after.engine} ${after.version}`,
      },
    },
  );
}
