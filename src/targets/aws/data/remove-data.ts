import type { DestroyOptions } from '../../target.js';
import { deleteStack, liftProtection, settleStack } from '../cloudformation/settle-stack.js';
import type { AwsContext } from '../environment/context.js';
import { findData } from './ensure-data.js';
import { findDatabases } from './find-databases.js';
import { removeDatabase } from './remove-database.js';
import { findSnapshots, removeSnapshot } from './snapshots.js';

/** Removes every database of the environment with its data, whichever stack made it. What uses one can then go. */
export async function removeDatabases(context: AwsContext, options: DestroyOptions): Promise<void> {
  const stack = await findData(context);
  // One that is being made at this moment would come after.
  if (stack !== undefined && stack.status !== 'DELETE_FAILED') await settleStack(context.session, stack.name, options);
  const databases = await findDatabases(context);
  await Promise.all(databases.map(({ id }) => removeDatabase(context.session, id, options)));
}

/** Removes what is left of the data when its databases and the hosts are gone: the stack, and the snapshots that Prestage took. */
export async function removeData(context: AwsContext, options: DestroyOptions): Promise<void> {
  const { session } = context;
  const stack = await findData(context);
  if (stack !== undefined) {
    const started = performance.now();
    options.emit({ type: 'stack.started', stack: stack.name, action: 'delete' });
    await liftProtection(session.cloudFormation, stack);
    await deleteStack(session.cloudFormation, stack.name, options);
    const durationMs = Math.round(performance.now() - started);
    options.emit({ type: 'stack.finished', stack: stack.name, status: 'DELETE_COMPLETE', durationMs });
  }
  for (const snapshot of await findSnapshots(context)) await removeSnapshot(context, snapshot);
}
