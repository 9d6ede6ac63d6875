import { describeStack } from './cloudformation/stack-state.js';
import { findDatabases } from './data/find-databases.js';
import { findSnapshots } from './data/snapshots.js';
import type { AwsContext } from './environment/context.js';
import { dataStackName, foundationStackName, infrastructureStackName } from './environment/names.js';
import { keptBucket, keptFileSystems } from './foundation/kept.js';
import { findMachines, isGone } from './worker/machines.js';

/** All that there is of an environment, in words, by names and tags: also what no stack holds any more, and what stacks leave behind. */
export async function leftOf(context: AwsContext): Promise<string[]> {
  const { session, project, environment } = context;
  const scope = { project, environment: environment.name };
  const [stacks, machines, databases, snapshots, fileSystems, bucket] = await Promise.all([
    Promise.all(
      [infrastructureStackName(scope), dataStackName(scope), foundationStackName(scope)].map((name) =>
        describeStack(session.cloudFormation, name),
      ),
    ),
    findMachines(session.ec2, scope),
    findDatabases(context),
    findSnapshots(context),
    keptFileSystems(context),
    keptBucket(context),
  ]);
  return [
    ...stacks.flatMap((stack) => (stack === undefined ? [] : [`stack ${stack.name} (${stack.status})`])),
    ...machines.filter((machine) => !isGone(machine)).map(({ id }) => `instance ${id}`),
    ...databases.map(({ id }) => `database ${id}`),
    ...snapshots.map((id) => `snapshot ${id}`),
    ...fileSystems.map((id) => `file system ${id}`),
    ...(bucket === undefined ? [] : [`bucket ${bucket.name}`]),
  ];
}
