import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { asPrestageError, PrestageError, withoutCredentials } from '../core/errors.js';
import { identify } from '../core/process-identity.js';
import { prepareRelease } from '../prepare/index.js';
import { EventLog } from './event-log.js';
import { type AgentJob, type AgentResult, agentJob } from './job.js';
import { publishJson, publishJsonNow, readJson, runFiles } from './run-folder.js';

/** How long a preparation that was told to end may take to clean up: a file system that hangs must not keep us. */
const CLEANUP_MS = 30_000;
const RESERVE_BYTES = 64 * 1024;
/** Whoever starts an agent says only then what to do; where they were killed meanwhile, nobody ever will. */
const JOB_LIMIT_MS = 15_000;
const JOB_POLL_MS = 10;

/** Does the job in a run's folder, and writes there what happens and how it ended. Returns the exit status. */
export async function runAgent(folder: string): Promise<number> {
  const runFolder = resolve(folder);
  const files = runFiles(runFolder);
  // Modes in trees are said outright, whoever prepares; see docs/store-format.md.
  process.umask(0);
  const life = new AbortController();
  const endBy = (reason: PrestageError) => {
    life.abort(reason);
    setTimeout(() => endNow(runFolder, reason), CLEANUP_MS).unref();
  };
  process.on('uncaughtException', (error) => endNow(runFolder, error));
  process.on('unhandledRejection', (error) => endNow(runFolder, error));
  process.on('SIGTERM', () => endBy(terminated()));
  // Ctrl-C in a terminal and the terminal's end are for the command line alone.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});

  await publishJson(files.agent, identify(process.pid) ?? { pid: process.pid });
  await writeFile(files.reserve, Buffer.alloc(RESERVE_BYTES), { mode: 0o644 });
  const job = await takeJob(files.job, life.signal);
  process.title = `prestage agent ${job.run}`;
  setTimeout(() => endBy(deadline(job.deadlineMs)), job.deadlineMs).unref();

  const log = await EventLog.create(files.events);
  const result = await doJob(job, log, life.signal);
  await log.close();
  await rm(files.reserve, { force: true });
  await publishJson(files.result, result);
  return result.ok ? 0 : 1;
}

/** Reads the job, and leaves it without its inputs: their URLs may hold credentials, and nobody needs them any more. */
async function takeJob(path: string, signal: AbortSignal): Promise<AgentJob> {
  const limit = performance.now() + JOB_LIMIT_MS;
  let job = await readJson(path, agentJob);
  while (job === undefined) {
    if (performance.now() > limit) throw new Error(`no job at ${path}`);
    await sleep(JOB_POLL_MS, undefined, { signal });
    job = await readJson(path, agentJob);
  }
  await publishJson(path, { ...job, inputs: {} }, 0o600);
  return job;
}

async function doJob(job: AgentJob, { emit }: EventLog, signal: AbortSignal): Promise<AgentResult> {
  const started = performance.now();
  const { run, plan } = job;
  const { release } = plan;
  emit({ type: 'worker.started', run, release, packages: plan.packages.length });
  try {
    const record = await prepareRelease({
      root: job.root,
      plan,
      inputs: job.inputs,
      run,
      wait: job.waitForLock,
      createdBy: job.createdBy,
      emit,
      signal,
    });
    emit({ type: 'worker.finished', run, release, durationMs: Math.round(performance.now() - started) });
    return { ok: true, release, record };
  } catch (thrown) {
    const error = asPrestageError(thrown).serialize();
    if (error.code === 'INTERNAL') complain(thrown);
    emit({ type: 'worker.failed', run, release, error });
    return { ok: false, error };
  }
}

/** The last resort: says why, and ends the process, whatever is still under way. Leftovers are the next run's to collect. */
function endNow(runFolder: string, reason: unknown): never {
  const result: AgentResult = { ok: false, error: asPrestageError(reason).serialize() };
  complain(reason);
  try {
    publishJsonNow(runFiles(runFolder).result, result);
  } catch (error) {
    complain(error);
  }
  process.exit(1);
}

/** To the worker's log, for whoever looks into a defect. */
function complain(error: unknown): void {
  process.stderr.write(`${withoutCredentials(inspect(error))}\n`);
}

function terminated(): PrestageError {
  return new PrestageError('TERMINATED', 'The worker was terminated by a signal.', {
    hint: 'Run the same command again: what is prepared is kept.',
  });
}

function deadline(ms: number): PrestageError {
  return new PrestageError(
    'WORKER_DEADLINE',
    `The worker did not finish within ${Math.round(ms / 60_000)} minutes, and ended itself.`,
    {
      hint: 'Run the same command again: what is prepared is kept. If the sources are slow, look at the events for which one.',
      context: { deadlineMs: ms },
    },
  );
}
