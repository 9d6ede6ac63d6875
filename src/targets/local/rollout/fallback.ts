import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type AgentJob, followRun, runFiles } from '../../../agent/index.js';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { version } from '../../../core/installation.js';
import { pause } from '../../../core/pause.js';
import { replaceFile } from '../../../core/replace-file.js';
import { newRunId } from '../../../store/index.js';
import { hostName } from '../../host-name.js';
import type { Deployment, PrepareJob } from '../../target.js';
import type { Programs } from '../hosts/launch.js';
import type { ObservedHost } from '../hosts/observe.js';
import { type HostSpec, readSpec } from '../hosts/spec.js';
import { readState } from '../hosts/state.js';
import { hostFolder, type LocalLayout } from '../layout.js';
import { DEADLINE_MS, forgetOldRuns } from '../worker.js';
import type { PlannedHost, RolloutPlan } from './changes.js';

/** How long a host waits for the one that prepares. */
const WAIT_LIMIT_MS = 60 * 60_000;

/** The single-phase way: no worker ran, so the first jump host is told to prepare the release, and the others to wait. */
export function withFallback(
  desired: readonly HostSpec[],
  deployment: Deployment,
  observed: readonly ObservedHost[],
  { layout, programs }: { layout: LocalLayout; programs: Programs },
): HostSpec[] {
  if (!deployment.fallback) return [...desired];
  const jump = demandJump(deployment);
  const runFolder = runAtWork(jump, deployment, observed) ?? join(layout.runs, newRunId());
  const jumpFolder = hostFolder(layout, jump);
  return desired.map((spec) => ({
    ...spec,
    fallback:
      spec.host === jump
        ? { role: 'prepares', agent: programs.agent, runFolder, logins: secretsOf(deployment.fallback as PrepareJob) }
        : { role: 'waits', jump, jumpFolder, runFolder, limitMs: WAIT_LIMIT_MS },
  }));
}

/** The variables that have logins for sources, and passwords of archives. */
function secretsOf({ inputs, plan }: PrepareJob): string[] {
  const logins = Object.values(inputs).flatMap((location) =>
    location.kind === 'http' || location.kind === 'oci' ? (location.access?.auth?.fromEnv ?? []) : [],
  );
  const passwords = plan.packages.flatMap(({ password }) => password?.fromEnv ?? []);
  return [...new Set([...logins, ...passwords])];
}

/** The jump host's name. @throws FILES_NOT_READY where there is none, so that nobody would prepare */
export function demandJump({ services }: Deployment): string {
  const service = services.services.find(({ role }) => role === 'jump');
  if (service) return hostName(service.name, 0);
  throw new PrestageError('FILES_NOT_READY', 'No service has the role jump, so no host can prepare the files itself.', {
    hint: 'Give a service `role: jump`, or deploy in two phases (without --single-phase, and without `mode: single-phase`).',
    context: { key: 'services' },
  });
}

/** The command that started the jump host may be gone; its run is taken up again. */
function runAtWork(jump: string, { release }: Deployment, observed: readonly ObservedHost[]): string | undefined {
  const host = observed.find(({ spec }) => spec.host === jump);
  if (host?.condition !== 'starting' || host.spec.release !== release.release) return undefined;
  return host.spec.fallback?.role === 'prepares' ? host.spec.fallback.runFolder : undefined;
}

/** Writes the job that the jump host's agent will do, unless it is at it already. */
export async function placeJob(plan: RolloutPlan, { fallback }: Deployment, root: string): Promise<void> {
  const jump = preparingHost(plan);
  if (!fallback || !jump || jump.action === 'keep') return;
  const job: AgentJob = {
    version: 1,
    run: basename(jump.runFolder),
    root,
    task: { kind: 'prepare', ...fallback },
    waitForLock: true,
    deadlineMs: DEADLINE_MS,
    createdBy: `prestage ${version}`,
  };
  await forgetOldRuns(plan.layout);
  await mkdir(jump.runFolder, { recursive: true });
  replaceFile(runFiles(jump.runFolder).job, JSON.stringify(job));
}

/** Emits what the jump host's agent does, from when that has begun until it ends. */
export async function followFallback(plan: RolloutPlan, { emit, signal }: CommandContext): Promise<void> {
  const jump = preparingHost(plan);
  if (jump && (await hasBegun(jump, signal))) await followRun({ runFolder: jump.runFolder, emit, signal });
}

/** Why the jump host could not prepare the files, in the agent's own words. */
export async function fallbackFailure(plan: RolloutPlan): Promise<PrestageError | undefined> {
  const jump = preparingHost(plan);
  if (!jump || (await readState(jump.folder))?.phase !== 'failed') return undefined;
  const result = await followRun({ runFolder: jump.runFolder, emit: () => {}, signal: AbortSignal.timeout(5_000) });
  return result.ok
    ? undefined
    : PrestageError.deserialize(result.error).within({ host: jump.spec.host, service: jump.spec.service });
}

/** False where there is nothing to follow: another run finished the release meanwhile, or the host failed before. */
async function hasBegun({ folder, runFolder }: PreparingHost, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const isOurs = (await readSpec(folder))?.fallback?.runFolder === runFolder;
    const phase = isOurs ? (await readState(folder))?.phase : undefined;
    if (phase !== undefined && phase !== 'starting') return phase === 'preparing';
    await pause(20, signal);
  }
}

type PreparingHost = PlannedHost & { folder: string; runFolder: string };

function preparingHost({ hosts, layout }: RolloutPlan): PreparingHost | undefined {
  for (const host of hosts) {
    const { fallback } = host.spec;
    if (fallback?.role === 'prepares')
      return { ...host, folder: hostFolder(layout, host.spec.host), runFolder: fallback.runFolder };
  }
  return undefined;
}
