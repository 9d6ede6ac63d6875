import type { DatabasePlan } from '../../../plan/index.js';
import type { TargetStatus } from '../../target.js';
import type { DeployedStack } from '../cloudformation/deployed-stack.js';
import type { AwsLook } from '../look.js';
import { outputsOf } from './ensure-data.js';
import { findDatabases } from './find-databases.js';

/** The databases of the environment, as RDS tells of them: that of the data's stack, and what is in no stack any more and costs. */
export async function databaseStatus({
  context,
  data,
}: AwsLook): Promise<Pick<TargetStatus, 'database'> & { others: TargetStatus['temporary'] }> {
  const [stack, found] = await Promise.all([data.state(), findDatabases(context)]);
  const id = outputsOf(stack)?.DatabaseInstance;
  const current = found.find((database) => database.id === id);
  const others = found
    .filter((database) => database !== current)
    .map(({ id, engine, version, state }) => ({
      kind: 'database',
      id,
      detail: `${engine} ${version}, ${state}${stack === undefined || id !== undefined ? ', in no stack: `destroy --purge` removes it' : ''}`,
    }));
  if (current !== undefined) {
    const { engine, version, address, port, state } = current;
    return { database: { engine, version, address, port, state }, others };
  }
  return { database: stack === undefined || id === undefined ? undefined : await missing(data), others };
}

/** Somebody deleted it, and left its stack. */
async function missing(data: DeployedStack): Promise<TargetStatus['database']> {
  const template = await data.template();
  const { database } = (template?.Metadata?.Prestage ?? {}) as { database?: DatabasePlan };
  const { engine = 'unknown', version = '' } = database ?? {};
  return { engine, version, address: '', port: 0, state: 'missing' };
}
