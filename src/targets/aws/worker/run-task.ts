import type { AgentResult, AgentTask } from '../../../agent/index.js';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { newRunId } from '../../../store/index.js';
import { runKeys } from '../bucket/layout.js';
import type { AwsContext, Place } from '../environment/context.js';
import { TAGS } from '../environment/names.js';
import { renderWorkerScript } from '../scripts/worker.js';
import { followWorker, type Patience } from './follow-worker.js';
import { provideAgent, provideJob } from './job.js';
import { findMachines, isGone, launchMachine, type Machine } from './machines.js';
import { listRuns, type RunRecord, readRun, recordRun } from './run-record.js';

/** When a worker's machine ends itself, if nobody else ends it. */
const DEADLINE_MS = 6 * 60 * 60_000;
/** The agent ends itself before that, and says why. */
const AGENT_DEADLINE_MS = DEADLINE_MS - 10 * 60_000;
/** A run that was recorded and not launched by then was given up by the command that recorded it. */
const LAUNCH_LIMIT_MS = 10 * 60_000;
/** Runs that are looked at for one to follow. */
const RECENT_RUNS = 10;

export interface TaskOptions extends CommandContext {
  patience?: Patience;
}

/**
 * Has a worker do a task, and follows it: one that is at the very same preparation already, or one of its own.
 * @throws what the worker failed with; LOCKED where another release is being prepared and `wait` is false
 */
export async function runTask(
  context: AwsContext,
  place: Place,
  task: AgentTask,
  options: TaskOptions,
): Promise<Extract<AgentResult, { ok: true }>> {
  const { emit, wait } = options;
  const others = await runsAtWork(context, place);
  const same = others.find(({ record }) => task.kind === 'prepare' && record.release === task.plan.release);
  if (same !== undefined) emit({ type: 'worker.attached', run: same.record.run, release: same.record.release ?? '' });
  else if (!wait) refuseBeside(task, others);
  const record = same?.record ?? (await recordTask(place, task, options));
  for (let zone = 0; ; zone += 1) {
    const launched =
      zone === 0 && same?.machine ? { zone, id: same.machine.id } : await launch(context, record, zone, options);
    const result = await followWorker(context, place, { run: record.run, instance: launched.id }, options);
    if (result.ok) return result;
    const error = PrestageError.deserialize(result.error);
    zone = launched.zone;
    // EC2 may take a launch, and find only then that the zone has no room for it.
    if (isWithoutCapacity(error) && zone + 1 < record.subnetIds.length) {
      emit({ type: 'notice', message: `${error.message} Trying the next zone.` });
      continue;
    }
    await markEnded(place, record.run);
    throw error;
  }
}

export interface RunAtWork {
  record: RunRecord;
  /** Undefined where it was recorded a moment ago, and the command that did has not launched it, or was killed. */
  machine: Machine | undefined;
}

/** Runs that have not ended, newest first. */
export async function runsAtWork(
  { session, project, environment }: AwsContext,
  { bucket }: Place,
): Promise<RunAtWork[]> {
  const machines = await findMachines(
    session.ec2,
    { project, environment: environment.name },
    { [TAGS.temporary]: 'true' },
  );
  const recent = (await listRuns(bucket)).slice(-RECENT_RUNS).reverse();
  const runs = await Promise.all(
    recent.map(async (run): Promise<RunAtWork | undefined> => {
      // A launch that EC2 gave up in one zone may be followed by one in the next.
      const its = machines.filter(({ tags }) => tags[TAGS.run] === run);
      const machine = its.find((each) => !isGone(each));
      if (machine === undefined && its.length > 0) return undefined;
      const keys = runKeys(run);
      const [record, result, ended] = await Promise.all([
        readRun(bucket, run),
        bucket.getText(keys.result),
        bucket.getText(keys.ended),
      ]);
      if (record === undefined || result !== undefined || ended !== undefined) return undefined;
      const isFresh = Date.now() - Date.parse(record.createdAt) < LAUNCH_LIMIT_MS;
      return machine !== undefined || isFresh ? { record, machine } : undefined;
    }),
  );
  return runs.filter((run) => run !== undefined);
}

/** Two that write to a store take turns; the second would wait on a machine that costs money. */
function refuseBeside(task: AgentTask, others: readonly RunAtWork[]): void {
  const [other] = others.filter(({ record }) => record.task !== 'verify');
  if (task.kind === 'verify' || other === undefined) return;
  const { run, release } = other.record;
  const doing = other.record.task === 'prune' ? 'prunes' : `prepares release ${release}`;
  throw new PrestageError('LOCKED', `A worker ${doing} (run ${run}${other.machine ? `, ${other.machine.id}` : ''}).`, {
    hint: 'Wait for it to end, or run the same command with --wait. `prestage status` shows it, `prestage destroy --temporary` ends it.',
    context: { run },
    retryable: true,
  });
}

async function recordTask(
  place: Place,
  task: AgentTask,
  { wait, signal }: Pick<TaskOptions, 'wait' | 'signal'>,
): Promise<RunRecord> {
  const { scope, bucket, outputs } = place;
  const run = newRunId();
  const { prefix } = runKeys(run);
  const agent = await provideAgent(bucket, signal);
  const job = await provideJob(place, { run, task, prefix, waitForLock: wait, deadlineMs: AGENT_DEADLINE_MS });
  const userData = renderWorkerScript({
    bucket: bucket.name,
    region: scope.region,
    fileSystemId: outputs.FileSystemId,
    accessPointId: outputs.WriterAccessPointId,
    agent,
    job,
    run,
    deadlineSeconds: DEADLINE_MS / 1000,
  });
  const record: RunRecord = {
    version: 1,
    run,
    task: task.kind,
    ...(task.kind === 'prepare' ? { release: task.plan.release } : {}),
    launchTemplateId: outputs.LaunchTemplateId,
    subnetIds: outputs.WorkerSubnetIds,
    userData,
    createdAt: new Date().toISOString(),
  };
  await recordRun(bucket, record);
  return record;
}

/**
 * Launches the run's machine, in the first zone from this one on that has room for it. The run's name is in the token, so that
 * there is one machine.
 */
async function launch(
  { session, project, environment }: AwsContext,
  { run, release, launchTemplateId, subnetIds, userData }: RunRecord,
  first: number,
  { emit }: Pick<TaskOptions, 'emit'>,
): Promise<{ zone: number; id: string }> {
  const tags = {
    Name: `prestage-${project}-${environment.name}-worker`,
    [TAGS.project]: project,
    [TAGS.environment]: environment.name,
    [TAGS.temporary]: 'true',
    [TAGS.run]: run,
    ...(release === undefined ? {} : { [TAGS.release]: release }),
  };
  let full: unknown;
  for (const [zone, subnetId] of subnetIds.entries()) {
    if (zone < first) continue;
    try {
      const token = `${run}-${zone}`;
      const machine = await launchMachine(session.ec2, { token, launchTemplateId, subnetId, userData, tags });
      emit({ type: 'machine.launched', run, instance: machine.id, instanceType: machine.type });
      return { zone, id: machine.id };
    } catch (error) {
      if (!isWithoutCapacity(error)) throw error;
      full = error;
    }
  }
  throw full;
}

function isWithoutCapacity(error: unknown): boolean {
  return (
    error instanceof PrestageError &&
    /Insufficient(Instance|Host)Capacity|InsufficientFreeAddressesInSubnet|Unsupported/.test(
      String(error.context.awsCode),
    )
  );
}

/** Nobody waits for a run that died, once somebody has seen it. */
async function markEnded({ bucket }: Place, run: string): Promise<void> {
  const ended = { status: 'dead', time: new Date().toISOString() };
  await bucket.putJson(runKeys(run).ended, ended, { ifNoneMatch: '*' });
}
