import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { asPrestageError, PrestageError, withoutCredentials } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import { rm } from '../core/held-files.js';
import { pause } from '../core/pause.js';
import { identify } from '../core/process-identity.js';
import { EventLog } from './event-log.js';
import { type AgentJob, type AgentResult, agentJob } from './job.js';
import { Reporting } from './remote/reporting.js';
import { agentRecord, publishJson, publishJsonNow, readJson, runFiles } from './run-folder.js';
import { doTask } from './tasks.js';

/**
 * How long work that was told to end may take to clean up: a file system that hangs must not keep us. Who tells a worker on a
 * machine to end kills it after 30 s (worker.sh), and what came of it has to be told by then.
 */
const CLEANUP_MS = 20_000;
/** For the last words of an agent that has to end at once. */
const LAST_WORDS_MS = 60_000;
const RESERVE_BYTES = 64 * 1024;
/** Anyone who starts an agent says only then what to do; where they were killed meanwhile, nobody ever will. */
const JOB_LIMIT_MS = 15_000;
const JOB_POLL_MS = 10;

/** The exit status of an agent that did what it had to, or failed to, and could not tell those who are afar. */
const UNTOLD = 3;

/** Does the job in a run's folder, and writes there what happens and how it ended. Returns the exit status. */
export async function runAgent(folder: string): Promise<number> {
  const runFolder = resolve(folder);
  const files = runFiles(runFolder);
  // Modes in trees are said outright, no matter who prepares; see docs/store-format.md.
  process.umask(0);
  const life = new AbortController();
  const ending: Ending = { runFolder, reporting: undefined, stage: 'working' };
  const endBy = (reason: PrestageError) => {
    if (ending.stage !== 'working') return;
    life.abort(reason);
    setTimeout(() => endNow(ending, reason), CLEANUP_MS).unref();
  };
  process.on('uncaughtException', (error) => endNow(ending, error));
  process.on('unhandledRejection', (error) => endNow(ending, error));
  process.on('SIGTERM', () => endBy(terminated()));
  // Ctrl-C in a terminal and the terminal's end are for the command line alone.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});

  await publishJson(files.agent, agentRecord(identify(process.pid) ?? { pid: process.pid }, runFolder));
  await writeFile(files.reserve, Buffer.alloc(RESERVE_BYTES), { mode: 0o644 });
  const job = await takeJob(files.job, life.signal);
  process.title = `prestage agent ${job.run}`;
  setTimeout(() => endBy(deadline(job.deadlineMs)), job.deadlineMs).unref();

  const log = await EventLog.create(files.events);
  const reporting = job.report === undefined ? undefined : new Reporting(job.report, job, files.events);
  ending.reporting = reporting;
  const emit: Emit = (event) => {
    log.emit(event);
    reporting?.heed(event);
  };
  await reporting?.begin();
  const result = await doJob(job, { emit, signal: life.signal }, (error) => complain(error, reporting));
  ending.stage = 'done';
  await reporting?.settleIndex(result, emit);
  await log.close();
  await rm(files.reserve, { force: true });
  await publishJson(files.result, result);
  ending.stage = 'told';
  return (await tell(result, reporting)) ? Number(!result.ok) : UNTOLD;
}

/** Reads the job, and leaves it without its inputs: their URLs may hold credentials, and nobody needs them any more. */
async function takeJob(path: string, signal: AbortSignal): Promise<AgentJob> {
  const limit = performance.now() + JOB_LIMIT_MS;
  let job = await readJson(path, agentJob);
  while (job === undefined) {
    if (performance.now() > limit) throw new Error(`no job at ${path}`);
    await pause(JOB_POLL_MS, signal);
    job = await readJson(path, agentJob);
  }
  const { task } = job;
  if (task.kind === 'prepare') await publishJson(path, { ...job, task: { ...task, inputs: {} } }, 0o600);
  return job;
}

async function doJob(
  job: AgentJob,
  doing: { emit: Emit; signal: AbortSignal },
  complain: (error: unknown) => void,
): Promise<AgentResult> {
  try {
    return await doTask(job, doing);
  } catch (thrown) {
    const error = asPrestageError(thrown).serializeWithOrigin();
    if (error.code === 'INTERNAL') complain(thrown);
    return { ok: false, error };
  }
}

/** Whether those who are afar were told of it, where there are any. */
async function tell(result: AgentResult, reporting: Reporting | undefined, limitMs?: number): Promise<boolean> {
  try {
    await reporting?.finish(result, limitMs);
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

interface Ending {
  runFolder: string;
  reporting: Reporting | undefined;
  /** `done`: what the job came to is known. `told`: it is in the run's folder, and not to be overwritten. */
  stage: 'working' | 'done' | 'told' | 'ending';
}

/** The last resort: says why, and ends the process, whatever is still under way. Leftovers are the next run's to collect. */
function endNow(ending: Ending, reason: unknown): void {
  const { runFolder, reporting, stage } = ending;
  complain(reason, reporting);
  if (stage === 'told' || stage === 'ending') return;
  ending.stage = 'ending';
  const result: AgentResult = { ok: false, error: asPrestageError(reason).serializeWithOrigin() };
  try {
    publishJsonNow(runFiles(runFolder).result, result);
  } catch (error) {
    complain(error, reporting);
  }
  if (reporting === undefined) process.exit(1);
  void tell(result, reporting, LAST_WORDS_MS).then((told) => process.exit(told ? 1 : UNTOLD));
}

/** To the worker's log, for anyone who looks into a defect. */
function complain(error: unknown, reporting?: Reporting): void {
  const text = withoutCredentials(inspect(error));
  process.stderr.write(`${text}\n`);
  reporting?.complain(text);
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
