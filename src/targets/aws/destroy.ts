import { DeleteFileSystemCommand, DescribeMountTargetsCommand } from '@aws-sdk/client-efs';
import { DeleteBucketCommand } from '@aws-sdk/client-s3';
import type { CommandContext } from '../../core/command-context.js';
import type { DestroyOptions } from '../target.js';
import { asAws } from './api/aws-failure.js';
import { until } from './api/until.js';
import { forgetDeployments } from './bucket/deployments.js';
import { emptyBucket } from './bucket/purge.js';
import { deleteStack, settleStack } from './cloudformation/settle-stack.js';
import { describeStack, type StackState } from './cloudformation/stack-state.js';
import { removeData, removeDatabases } from './data/remove-data.js';
import { type AwsContext, findPlace, type Place } from './environment/context.js';
import { foundationStackName, TAGS } from './environment/names.js';
import type { CommandLock } from './exclusively.js';
import { keptBucket, keptFileSystems } from './foundation/kept.js';
import { lookAt } from './look.js';
import { endMachine, findMachines, isGone } from './worker/machines.js';

/**
 * Removes the hosts and all that is around them. The file system, the bucket and the database stay, unless `purge`; then only
 * a file system that the configuration names stays, since it is not ours.
 * @throws STACK_STUCK, MACHINE_STUCK
 */
export async function destroy(context: AwsContext, options: DestroyOptions, lock: CommandLock): Promise<void> {
  await endWorkers(context, options);
  const place = await settledPlace(context, options);
  // What an interrupted removal, or the making of a first release, has left has a bucket and was locked by nobody yet.
  const bucket = place?.bucket ?? (options.purge ? await keptBucket(context) : undefined);
  if (bucket !== undefined) await lock.take(bucket, options);
  const infrastructure = await settled(context, await lookAt(context).infrastructure.state(), options);
  // First, since what it uses may be in any stack.
  if (options.purge) await removeDatabases(context, options);
  if (infrastructure !== undefined) await remove(context, infrastructure.name, options);
  options.signal.throwIfAborted();
  if (place !== undefined) await forgetDeployments(place.bucket);
  if (!options.purge) return;
  await removeData(context, options);
  await purge(context, place, options, lock);
}

/** Ends every worker of the environment. What it has finished stays; the rest is collected by the next run. */
export async function endWorkers(
  { session, project, environment }: AwsContext,
  { emit, signal }: CommandContext,
): Promise<void> {
  const machines = await findMachines(
    session.ec2,
    { project, environment: environment.name },
    { [TAGS.temporary]: 'true' },
  );
  await Promise.all(
    machines
      .filter((machine) => !isGone(machine))
      .map(async ({ id, tags }) => {
        await endMachine(session.ec2, id, { signal });
        emit({ type: 'machine.ended', run: tags[TAGS.run] ?? 'unknown', instance: id });
      }),
  );
}

/** Where there is a foundation once nobody makes or changes it any more. */
async function settledPlace(context: AwsContext, options: DestroyOptions): Promise<Place | undefined> {
  const { foundation, place } = lookAt(context);
  const found = await foundation.state();
  if (found?.status !== 'CREATE_IN_PROGRESS') return place();
  await settleStack(context.session, found.name, options);
  return findPlace(context);
}

/** A stack that is at work, or failed, is brought to rest first; one that is being made, and is to go for good, is not waited for. */
async function settled(
  { session }: AwsContext,
  stack: StackState | undefined,
  options: DestroyOptions,
): Promise<StackState | undefined> {
  if (stack === undefined || stack.status === 'DELETE_FAILED') return stack;
  if (options.purge && stack.status === 'CREATE_IN_PROGRESS') return stack;
  return settleStack(session, stack.name, options);
}

async function remove({ session }: AwsContext, name: string, options: DestroyOptions): Promise<void> {
  const started = performance.now();
  options.emit({ type: 'stack.started', stack: name, action: 'delete' });
  await deleteStack(session.cloudFormation, name, options);
  const durationMs = Math.round(performance.now() - started);
  options.emit({ type: 'stack.finished', stack: name, status: 'DELETE_COMPLETE', durationMs });
}

/**
 * The foundation's stack keeps the file system and the bucket when it goes, so that nobody loses them by an accident. They are found
 * by name and tags, so that a removal that was interrupted is gone on with when the stack is no more.
 */
async function purge(
  context: AwsContext,
  place: Place | undefined,
  options: DestroyOptions,
  lock: CommandLock,
): Promise<void> {
  const { session, environment } = context;
  const scope = { project: context.project, environment: environment.name };
  const name = foundationStackName(scope);
  if ((await describeStack(session.cloudFormation, name)) !== undefined) await remove(context, name, options);
  if (place !== undefined && environment.fileSystemId !== undefined)
    options.emit({
      type: 'notice',
      message: `File system ${environment.fileSystemId} is yours, and stays as it is, with what was prepared on it.`,
    });
  for (const id of await keptFileSystems(context)) await removeFileSystem(context, id, options);
  // Last, so that an interrupted removal is seen by the next command.
  const bucket = await keptBucket(context);
  if (bucket === undefined) return;
  await lock.leave();
  await emptyBucket(bucket);
  await asAws({ action: 's3:DeleteBucket', resource: bucket.name }, () =>
    session.s3.send(new DeleteBucketCommand({ Bucket: bucket.name })),
  );
}

async function removeFileSystem(
  { session }: AwsContext,
  FileSystemId: string,
  { signal }: DestroyOptions,
): Promise<void> {
  const context = { action: 'elasticfilesystem:DeleteFileSystem', resource: FileSystemId };
  // The stack's mount targets take a moment longer to go than their deletion does.
  await until(
    async () => {
      const { MountTargets = [] } = await asAws(
        { action: 'elasticfilesystem:DescribeMountTargets', resource: FileSystemId },
        () => session.efs.send(new DescribeMountTargetsCommand({ FileSystemId })),
      );
      return MountTargets.length === 0;
    },
    { what: `the mount targets of file system ${FileSystemId} to go`, signal },
  );
  await asAws(context, () => session.efs.send(new DeleteFileSystemCommand({ FileSystemId })));
}
