import { open } from 'node:fs/promises';
import { PrestageError } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import { pause } from '../core/pause.js';
import { isPlace } from '../core/place.js';
import { isRunning, type ProcessIdentity } from '../core/process-identity.js';
import { EventReader } from './event-log.js';
import { type AgentResult, agentProcess, agentResult } from './job.js';
import { readJson, runFiles } from './run-folder.js';

export interface FollowRunOptions {
  runFolder: string;
  /** Given each event of the run once, from its beginning. */
  emit: Emit;
  /** Stops following; the agent goes on. */
  signal: AbortSignal;
}

/** Between two looks at what costs nothing: whether the process runs, and how long its open log is. */
const POLL_MS = 40;
/** Between two looks that ask the file system by a name: only for a process that has told its result, and does not end. */
const RESULT_POLL_MS = 5000;

/**
 * Follows a run to its end, no matter who started it and however long ago. An agent that is gone without a result gives
 * WORKER_DIED with the last lines that it wrote. @throws the signal's reason
 */
export async function followRun({ runFolder, emit, signal }: FollowRunOptions): Promise<AgentResult> {
  const events = new EventReader(runFiles(runFolder).events);
  try {
    for (;;) {
      const ended = await emitWhileItRuns(runFolder, events, { emit, signal });
      // In this order: what an agent wrote before it ended is there when it is found to have ended.
      const result = await readJson(runFiles(runFolder).result, agentResult);
      await events.close();
      for (const event of await events.next()) emit(event);
      if (result !== undefined) return result;
      if (ended) return { ok: false, error: (await death(runFolder)).serialize() };
    }
  } finally {
    await events.close();
  }
}

/** Emits what a run says, until its process ends, which is true then, or until it is time to look for its result. */
async function emitWhileItRuns(
  runFolder: string,
  events: EventReader,
  { emit, signal }: Pick<FollowRunOptions, 'emit' | 'signal'>,
): Promise<boolean> {
  const until = performance.now() + RESULT_POLL_MS;
  const agent = await runningAgent(runFolder);
  while (isRunning(agent)) {
    signal.throwIfAborted();
    for (const event of await events.next()) emit(event);
    if (performance.now() > until) return false;
    await pause(POLL_MS, signal);
  }
  signal.throwIfAborted();
  return true;
}

/**
 * The run's process, while it runs. Anyone who starts one says which it is before anybody can know of its job. In a copy of
 * the folder that is somebody else's process.
 */
export async function runningAgent(runFolder: string): Promise<ProcessIdentity | undefined> {
  const agent = await readJson(runFiles(runFolder).agent, agentProcess);
  if (!isRunning(agent) || !isPlace(agent?.place, runFolder)) return undefined;
  return agent;
}

async function death(runFolder: string): Promise<PrestageError> {
  const log = await lastLines(runFiles(runFolder).log, 20);
  const last = log.at(-1);
  return new PrestageError(
    'WORKER_DIED',
    `The worker ended without a result${last === undefined ? '' : `; its last words: ${last}`}.`,
    {
      hint: 'Run the same command again: what is prepared is kept. If memory ran out, the system log (`dmesg`) says so.',
      context: { path: runFolder, log },
    },
  );
}

async function lastLines(path: string, count: number): Promise<string[]> {
  const tailBytes = 16 * 1024;
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(tailBytes),
        0,
        tailBytes,
        Math.max(0, size - tailBytes),
      );
      const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
      return lines.filter((line) => line.trim() !== '').slice(-count);
    } finally {
      await file.close();
    }
  } catch {
    return [];
  }
}
