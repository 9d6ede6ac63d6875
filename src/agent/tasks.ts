import { asPrestageError } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import { prepareRelease } from '../prepare/index.js';
import { executePrune, type ReleaseRecord, verifyStore } from '../store/index.js';
import type { AgentJob, AgentResult, AgentTask } from './job.js';

type Done = Extract<AgentResult, { ok: true }>;

interface Doing {
  emit: Emit;
  signal: AbortSignal;
}

/** Does what a job says. @throws what preparing, verifying or pruning throws; the signal's reason */
export async function doTask(job: AgentJob, doing: Doing): Promise<Done> {
  const { root, run, task } = job;
  switch (task.kind) {
    case 'prepare':
      return { ok: true, record: await prepare(job, task, doing) };
    case 'verify': {
      const { kind: _, ...what } = task;
      return { ok: true, report: await verifyStore(root, { ...what, signal: doing.signal }) };
    }
    case 'prune':
      await executePrune(root, run, task.plan, { signal: doing.signal, wait: job.waitForLock });
      return { ok: true };
  }
}

async function prepare(
  { run, root, waitForLock, createdBy }: AgentJob,
  { kind: _, ...wanted }: Extract<AgentTask, { kind: 'prepare' }>,
  { emit, signal }: Doing,
): Promise<ReleaseRecord> {
  const started = performance.now();
  const { plan } = wanted;
  const { release } = plan;
  emit({ type: 'worker.started', run, release, packages: plan.packages.length });
  try {
    const record = await prepareRelease({ root, ...wanted, run, wait: waitForLock, createdBy, emit, signal });
    emit({ type: 'worker.finished', run, release, durationMs: Math.round(performance.now() - started) });
    return record;
  } catch (thrown) {
    emit({ type: 'worker.failed', run, release, error: asPrestageError(thrown).serialize() });
    throw thrown;
  }
}
