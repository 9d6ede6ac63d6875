import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { installedFile } from '../core/installation.js';
import { identify, type ProcessIdentity } from '../core/process-identity.js';
import type { AgentJob } from './job.js';
import { agentRecord, publishJson, runFiles } from './run-folder.js';
import { AGENT_THREADS } from './threads.js';

export interface StartOptions {
  /** Made if it is not there; one folder for one run. */
  runFolder: string;
  job: AgentJob;
  /** The agent's program; default: the installed one. */
  bundle?: string;
}

/**
 * Starts an agent that outlives this process: a session of its own, and no pipe to anybody. What it does is in the run's
 * folder. It is told last what to do: where this process is killed before, there is no job that nobody does, and an agent
 * without one ends itself. Node's file work runs in a thread pool of 4 by default; on a network file system each call
 * waits for a round trip, so the pool must be as large as what is to be under way at once, and its size can only be given
 * at the start.
 */
export async function startAgent({
  runFolder,
  job,
  bundle = installedFile('dist/agent/agent.js'),
}: StartOptions): Promise<ProcessIdentity> {
  await mkdir(runFolder, { recursive: true });
  const files = runFiles(runFolder);
  const log = await open(files.log, 'a', 0o644);
  try {
    const child = spawn(process.execPath, [bundle, runFolder], {
      cwd: runFolder,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
      env: { ...process.env, UV_THREADPOOL_SIZE: String(AGENT_THREADS) },
    });
    await once(child, 'spawn');
    child.unref();
    const identity = identify(child.pid ?? 0) ?? { pid: child.pid ?? 0 };
    // The agent writes the same; whichever of the two lives long enough.
    await publishJson(files.agent, agentRecord(identity, runFolder));
    // Sources' URLs may hold credentials.
    await publishJson(files.job, job, 0o600);
    return identity;
  } finally {
    await log.close();
  }
}
