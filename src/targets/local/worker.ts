import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentJob, agentJob, followRun, runFiles, runningAgent, startAgent } from '../../agent/index.js';
import type { CommandContext } from '../../core/command-context.js';
import { errnoOf, PrestageError } from '../../core/errors.js';
import { version } from '../../core/installation.js';
import { newRunId, removeAll } from '../../store/index.js';
import type { PrepareJob } from '../target.js';
import type { LocalLayout } from './layout.js';
import { endProcesses } from './processes/ended.js';

/** When a worker ends itself, if nobody else does. */
export const DEADLINE_MS = 6 * 60 * 60_000;
/** How many runs that have ended are kept, for their logs. */
const KEPT_RUNS = 5;

/**
 * Phase 1: a worker process prepares the release, and this one follows it. One that an earlier command started for the
 * same release is followed instead. Aborting the signal stops following.
 * @throws what the worker failed with; the signal's reason
 */
export async function prepare(
  work: PrepareJob,
  options: CommandContext,
  layout: LocalLayout,
  agent: string,
): Promise<void> {
  const { plan } = work;
  const { emit, signal, wait } = options;
  const atWork = (await workersAtWork(layout)).find((worker) => worker.release === plan.release);
  const run = atWork?.run ?? newRunId();
  const runFolder = join(layout.runs, run);
  if (atWork) {
    emit({ type: 'worker.attached', run, release: plan.release });
  } else {
    const job: AgentJob = {
      version: 1,
      run,
      root: layout.root,
      task: { kind: 'prepare', ...work },
      waitForLock: wait,
      deadlineMs: DEADLINE_MS,
      createdBy: `prestage ${version}`,
    };
    await startAgent({ runFolder, job, bundle: agent });
  }
  const result = await followRun({ runFolder, emit, signal });
  await forgetOldRuns(layout);
  if (!result.ok) throw PrestageError.deserialize(result.error);
}

export interface WorkerAtWork {
  run: string;
  release: string;
}

/** The runs whose process lives, and has been told what to do. */
export async function workersAtWork(layout: LocalLayout): Promise<WorkerAtWork[]> {
  const runs = await runNames(layout);
  const found = await Promise.all(
    runs.map(async (run) => {
      const folder = join(layout.runs, run);
      if (!(await runningAgent(folder))) return undefined;
      const release = await releaseOf(folder);
      return release === undefined ? undefined : { run, release };
    }),
  );
  return found.filter((worker) => worker !== undefined);
}

async function releaseOf(runFolder: string): Promise<string | undefined> {
  try {
    const { task } = agentJob.parse(JSON.parse(await readFile(runFiles(runFolder).job, 'utf8')));
    return task.kind === 'prepare' ? task.plan.release : undefined;
  } catch {
    return undefined; // of another version of Prestage, or being removed
  }
}

/** Ends the workers, for `destroy`. What they have finished stays; the rest is collected by the next run. */
export async function stopWorkers(layout: LocalLayout): Promise<string[]> {
  const runs = await runNames(layout);
  const agents = await Promise.all(runs.map((run) => runningAgent(join(layout.runs, run))));
  await endProcesses(
    agents.filter((agent) => agent !== undefined),
    10_000,
  );
  return runs.filter((_, index) => agents[index] !== undefined);
}

/** All runs, oldest first: their names begin with the time. */
export async function runNames(layout: LocalLayout): Promise<string[]> {
  try {
    return (await readdir(layout.runs)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** What somebody has open of one, such as its log, stays: the next run tries again. */
export async function forgetOldRuns(layout: LocalLayout): Promise<void> {
  for (const run of (await runNames(layout)).slice(0, -KEPT_RUNS)) {
    const folder = join(layout.runs, run);
    if (!(await runningAgent(folder))) await removeAll(folder);
  }
}
