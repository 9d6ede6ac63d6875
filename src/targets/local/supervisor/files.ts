import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_THREADS, agentRecord, runFiles } from '../../../agent/index.js';
import { rmSync } from '../../../core/held-files.js';
import { identify } from '../../../core/process-identity.js';
import type { HostSpec } from '../hosts/spec.js';
import type { HostState } from '../hosts/state.js';
import { hostFiles } from '../layout.js';
import { inheritedEnvironment } from '../processes/environment.js';
import { MARK } from '../processes/marked.js';
import { type Host, rootOf } from './host.js';
import { runProgram } from './script.js';

/** The files are not there because the host was told to stop; anything else is a failure, also of a host being stopped. */
export class Stopped extends Error {}

const POLL_MS = 200;

/**
 * Returns when the release is there. Usually it is: phase 1 prepared it. Where it is not, the jump host prepares it with
 * the same engine, and the others wait for it, with a limit and for as long as the jump host has not failed.
 * @throws Error with the reason why there will be no files; Stopped
 */
export async function obtainFiles(host: Host): Promise<void> {
  const { spec, reporter, log } = host;
  if (!isReady(spec)) {
    if (!spec.fallback) throw new Error(`release ${spec.release} is not in ${rootOf(spec)}`);
    if (spec.fallback.role === 'prepares') await prepare(host, spec.fallback);
    else await wait(host, spec.fallback);
  } else if (spec.fallback?.role === 'prepares') dropJob(spec.fallback.runFolder);
  log.say(`release ${spec.release} is ready in ${rootOf(spec)}`);
  reporter.report({ files: 'ready', prepared: preparedTimes(spec) });
}

/** Deletes a job that is not needed any more, so that nobody runs it. A job that was run stays, for its log. */
function dropJob(runFolder: string): void {
  if (!existsSync(runFiles(runFolder).agent)) rmSync(runFolder, { recursive: true, force: true });
}

/** A release is complete when it has its name (docs/store-format.md). But somebody may have removed one of its trees. */
function isReady(spec: HostSpec): boolean {
  // An NFS client may go on saying for a minute that a name is not there, but not after the folder was listed.
  const root = rootOf(spec);
  for (const folder of [root, join(root, 'releases'), join(root, 'trees')]) list(folder);
  const folder = join(root, 'releases', spec.release);
  return readRelease(spec)?.packages.every(({ destination }) => existsSync(join(folder, destination))) ?? false;
}

/** By package: so a deployment knows whether a package was prepared again under its hosts. */
function preparedTimes(spec: HostSpec): Record<string, number> {
  const root = rootOf(spec);
  const times = (readRelease(spec)?.packages ?? []).flatMap(({ id, tree }) => {
    const stats = statSync(join(root, 'trees', `${tree}.mtree`), { throwIfNoEntry: false });
    return stats ? [[id, stats.mtimeMs] as const] : [];
  });
  return Object.fromEntries(times);
}

interface Release {
  packages: { id: string; tree: string; destination: string }[];
}

function readRelease(spec: HostSpec): Release | undefined {
  return readJson(join(rootOf(spec), 'releases', spec.release, 'release.json')) as Release | undefined;
}

async function prepare(
  { spec, reporter, records, log, signal }: Host,
  { agent, runFolder, logins = [] }: { agent: string; runFolder: string; logins?: readonly string[] | undefined },
): Promise<void> {
  log.say(`release ${spec.release} is not ready: this host prepares it`);
  const ending = await runProgram(
    {
      command: process.execPath,
      arguments: [agent, runFolder],
      folder: runFolder,
      environment: {
        ...inheritedEnvironment(process.env, { fetches: logins }),
        [MARK]: spec.environment[MARK] ?? '',
        UV_THREADPOOL_SIZE: String(AGENT_THREADS),
      },
      output: log.descriptor,
    },
    {
      signal,
      alone: true,
      onStart: (pid) => {
        const child = identify(pid) ?? { pid };
        // Before it is told that it prepares: anyone who then follows the run asks which process that is.
        records.keep(runFiles(runFolder).agent, JSON.stringify(agentRecord(child, runFolder)));
        reporter.report({ phase: 'preparing', files: 'preparing', child });
      },
    },
  );
  if (signal.aborted) throw new Stopped('it was stopped while it prepared the files');
  if (!isReady(spec))
    throw new Error(
      `it could not prepare the files: ${failureOf(runFolder) ?? `the agent ended with ${ending.words}`}`,
    );
}

/** The message of the agent's own error, from its result. */
function failureOf(runFolder: string): string | undefined {
  const result = readJson(runFiles(runFolder).result) as { error?: { message?: string } } | undefined;
  return result?.error?.message;
}

type Waits = Extract<HostSpec['fallback'], { role: 'waits' }>;

async function wait({ spec, reporter, log, signal }: Host, fallback: Waits): Promise<void> {
  const { jump, limitMs } = fallback;
  log.say(`release ${spec.release} is not ready: waiting for ${jump} to prepare it`);
  reporter.report({ phase: 'waiting-for-files', files: 'waiting' });
  const limit = performance.now() + limitMs;
  while (!isReady(spec)) {
    if (performance.now() > limit)
      throw new Error(`it waited ${Math.round(limitMs / 60_000)} minutes for ${jump} to prepare the files`);
    const failure = failureOfJump(fallback);
    if (failure !== undefined && !isReady(spec))
      throw new Error(`${jump}, which prepares the files, failed: ${failure}`);
    // After the jump host's reason: when that fails the others are stopped, and its reason is theirs.
    if (signal.aborted) throw new Stopped(`it was stopped while it waited for ${jump} to prepare the files`);
    await sleep(POLL_MS);
  }
}

/** The reason why the jump host failed at this very run; what is left of an earlier one says nothing about it. */
function failureOfJump({ jumpFolder, runFolder }: Waits): string | undefined {
  const files = hostFiles(jumpFolder);
  const spec = readJson(files.spec) as HostSpec | undefined;
  if (spec?.fallback?.runFolder !== runFolder) return undefined;
  const state = readJson(files.state) as HostState | undefined;
  return state?.phase === 'failed' ? (state.reason ?? 'no reason given') : undefined;
}

function list(folder: string): void {
  try {
    readdirSync(folder);
  } catch {
    // It may come yet.
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
