import type { Config } from '../config/index.js';
import type { CommandContext } from '../core/command-context.js';
import { PrestageError } from '../core/errors.js';
import { shownPath } from '../core/shown-path.js';
import type { Environment } from '../plan/index.js';
import { type Resolved, writeLockfile } from '../resolve/index.js';
import type { ReleaseRecord } from '../store/index.js';
import type { Deployment, PrepareJob, Target, TargetLook } from '../targets/index.js';
import { changesWithValues } from './changes/values-of-changes.js';
import { contentsOf } from './contents.js';
import { demandUsable } from './demand-usable.js';
import { type Detection, detect, toPrepare } from './detect.js';
import { demandNames, onlyThese } from './only.js';
import { placedError } from './placed-error.js';
import { type CommandOptions, openProject, type Project, removeCopies, resolveProject } from './project.js';
import { Recording } from './report/trace.js';
import type { DeployResult, PackageResult } from './results.js';

export interface DeployOptions extends CommandOptions {
  /** Phase 1 alone. */
  prepareFilesOnly?: boolean;
  /** Phase 2 alone: an error where the release is not ready. */
  skipFilePrep?: boolean;
  /** No worker: the jump host prepares the files itself. Also by `mode: single-phase` in the configuration. */
  singlePhase?: boolean;
  /** Accept that remote sources moved, and pin what they are now. */
  updateLock?: boolean;
  /** The first package that fails ends the work on the others. Default: they are finished, and all errors told at once. */
  failFast?: boolean;
  /** Make hosts again from the newest machine image. On AWS only. */
  refreshImage?: boolean;
  /** Where a first deployment fails: leave the hosts that are healthy for the next try. The local target only. */
  keep?: boolean;
  /** Packages and services of these names alone; all else stays as it is deployed. */
  only?: readonly string[];
}

/**
 * Both phases, as needed. Everything that can be found wrong without changing anything is found first; the lockfile is
 * written when the rest is known to be right.
 */
export async function deploy(options: DeployOptions): Promise<DeployResult> {
  const started = performance.now();
  const recording = new Recording(options.emit);
  const project = await openProject({ ...options, emit: recording.emit });
  const { target, config, environment, context } = project;
  const { only } = options;
  if (only) demandNames(config, only);
  const chosen = await resolveProject(project, options);
  const singlePhase = chooseMode(options, config.mode) === 'single-phase';
  if (singlePhase) demandJump(config);
  const failFast = options.failFast ?? false;
  if (options.keep) demandLocal(target);
  if (options.refreshImage) demandImages(environment);

  let wanted = chosen;
  const work = async (held: CommandContext): Promise<Deployed> => {
    // Looked at under the lock, and again after each change.
    let look = target.look({ ahead: !options.prepareFilesOnly });
    const resolved = only ? await onlyThese({ kind: target.kind, look }, chosen, only) : chosen;
    wanted = resolved;
    const detection = await detect(look, resolved.plan, { withValues: changesWithValues(resolved) });
    announce(detection, resolved, held);
    if (only) {
      demandKept(detection, only);
      held.emit({ type: 'notice', message: `Only ${only.join(', ')}: all else stays as it is deployed.` });
    }
    await demandUsable(resolved, toPrepare(detection));
    if (options.skipFilePrep) demandReady(detection, resolved);

    const deployment: Deployment = {
      environment: environment.name,
      release: contentsOf(resolved.plan),
      services: resolved.services,
      keep: options.keep ?? false,
      ...(options.refreshImage ? { image: 'newest' as const } : {}),
      ...(singlePhase && detection.needed ? { fallback: jobOf(resolved, failFast) } : {}),
    };
    if (!options.prepareFilesOnly) await look.checkServices(deployment);
    held.signal.throwIfAborted();
    await pinSources(resolved, held);

    await target.forgetTrees?.(detection.changed);
    const phase1 = await prepareFiles(target, resolved, detection, { ...held, singlePhase, failFast });
    if (phase1 !== 'ready') look = target.look();
    const ready = deployment.fallback ? undefined : await gate(look, target, resolved);
    const phase2 = options.prepareFilesOnly ? 'skipped' : await applyServices(look, deployment, held);
    if (phase2 === 'applied') look = target.look();
    const record = ready ?? (await gate(look, target, resolved));
    await removeCopies(resolved, options);
    const result: DeployResult = {
      environment: environment.name,
      release: resolved.plan.release,
      root: target.root,
      phase1,
      phase2,
      packages: packageResults(record, detection),
      hosts: phase2 === 'skipped' ? [] : await look.hosts(),
      durationMs: Math.round(performance.now() - started),
    };
    return { result, resolved, record, look };
  };
  const reporting = options.throwAway ? undefined : recording;
  try {
    const { result, ...deployed } = await target.exclusively('deploy', context, work);
    const report = await reportOf(deployed, project, reporting);
    return { ...result, ...(report === undefined ? {} : { report }) };
  } catch (thrown) {
    const error = placedError(thrown, chosen);
    const report = await reportOf({ error, resolved: wanted, look: target.look() }, project, reporting);
    if (report !== undefined) context.emit({ type: 'notice', message: `Report: ${shownPath(report)}` });
    throw error;
  }
}

/** What a deployment came to, and what its report is made of. */
interface Deployed {
  result: DeployResult;
  resolved: Resolved;
  record: ReleaseRecord;
  look: TargetLook;
}

/** Undefined where nothing was done, and so there is nothing to explain. What makes it is loaded only then. */
async function reportOf(
  deployed: { resolved: Resolved; look: TargetLook; record?: ReleaseRecord; error?: unknown },
  project: Project,
  recording: Recording | undefined,
): Promise<string | undefined> {
  const hasFailed = 'error' in deployed;
  if (!recording?.hasBegun || project.context.signal.aborted) return undefined;
  if (!hasFailed && !recording.didSomething) return undefined;
  const { reportAfter } = await import('./report/after-deployment.js');
  return reportAfter(deployed, project, recording);
}

/** What stays is not prepared: its sources may have changed since. @throws FILES_NOT_READY */
function demandKept(detection: Detection, only: readonly string[]): void {
  const missing = toPrepare(detection).filter((id) => !only.includes(id));
  if (missing.length === 0) return;
  throw new PrestageError(
    'FILES_NOT_READY',
    `--only leaves ${missing.join(', ')} as deployed, and the store no longer has what was prepared, or somebody changed it.`,
    { hint: 'Deploy without --only, which prepares it again.', context: { missing } },
  );
}

function jobOf({ plan, inputs }: Resolved, failFast: boolean): PrepareJob {
  return { plan, inputs, ...(failFast ? { failFast } : {}) };
}

/** @throws USAGE */
function demandLocal(target: Target): void {
  if (target.kind === 'local') return;
  throw new PrestageError(
    'USAGE',
    '--keep is for the local target: on AWS, CloudFormation puts everything back as it was.',
    {
      hint: 'Deploy without --keep.',
      context: { found: '--keep' },
    },
  );
}

/** @throws USAGE */
export function demandImages({ name, target }: Environment): void {
  if (target === 'aws') return;
  throw new PrestageError(
    'USAGE',
    `--refresh-image is for environments on AWS: hosts of ${name} have no machine image.`,
    {
      context: { found: '--refresh-image' },
    },
  );
}

function chooseMode(options: DeployOptions, configured: 'two-phase' | 'single-phase'): 'two-phase' | 'single-phase' {
  if (options.singlePhase) return 'single-phase';
  return options.prepareFilesOnly || options.skipFilePrep ? 'two-phase' : configured;
}

/** The configuration's own rule covers `mode: single-phase`; the flag can meet a configuration without a jump host. */
function demandJump({ file, services }: Config): void {
  if (services.services.some((service) => service.role === 'jump')) return;
  throw new PrestageError(
    'USAGE',
    'In a single phase the jump host prepares the files, and no service has `role: jump`.',
    {
      hint: `Give a service in ${file} \`role: jump\`, or deploy in two phases.`,
      context: { file },
    },
  );
}

function announce(detection: Detection, { plan, inputs }: Resolved, { emit }: CommandContext): void {
  const sizes = new Map(plan.packages.map(({ id, recipe }) => [id, inputs[recipe.source.sha256]?.size]));
  for (const { id, tree, action, reason } of detection.packages) {
    const bytes = sizes.get(id);
    const size = bytes === undefined ? {} : { bytes };
    emit({ type: 'package.detected', package: id, tree, action, reason, ...size });
  }
}

function demandReady(detection: Detection, { plan, environment, lockfile }: Resolved): void {
  if (!detection.needed) return;
  const missing = toPrepare(detection);
  const what = missing.length > 0 ? `these packages are not prepared: ${missing.join(', ')}` : detection.reason;
  const changes = lockfile.changes.map(changeText);
  throw new PrestageError('FILES_NOT_READY', `Release ${plan.release} is not ready; ${what}.`, {
    hint: `Prepare it with \`prestage deploy --env ${environment.name} --prepare-files-only\`, or deploy without --skip-file-prep.`,
    context: { release: plan.release, missing, ...(changes.length > 0 ? { changed: changes } : {}) },
  });
}

/** A file that is not what is locked makes another release, which may be a surprise. */
function changeText({ source, sha256, previous }: Resolved['lockfile']['changes'][number]): string {
  const short = (digest: string) => `sha256:${digest.slice(0, 16)}`;
  return previous === undefined
    ? `${source} is not in prestage.lock`
    : `${source} differs from prestage.lock: locked ${short(previous)}, found ${short(sha256)}`;
}

async function pinSources(resolved: Resolved, { emit }: CommandContext): Promise<void> {
  await writeLockfile(resolved);
  for (const change of resolved.lockfile.changes) emit({ type: 'source.locked', ...change });
}

async function prepareFiles(
  target: Target,
  resolved: Resolved,
  detection: Detection,
  options: CommandContext & { singlePhase: boolean; failFast: boolean },
): Promise<DeployResult['phase1']> {
  const { plan } = resolved;
  if (!detection.needed) {
    options.emit({ type: 'phase.finished', phase: 1, release: plan.release, outcome: 'ready', durationMs: 0 });
    return 'ready';
  }
  if (options.singlePhase) {
    options.emit({ type: 'phase.finished', phase: 1, release: plan.release, outcome: 'skipped', durationMs: 0 });
    return 'skipped';
  }
  await timed(options, { phase: 1, release: plan.release, reason: detection.reason }, async () => {
    await target.prepare(jobOf(resolved, options.failFast), options);
    return 'prepared';
  });
  return 'prepared';
}

function applyServices(
  look: TargetLook,
  deployment: Deployment,
  context: CommandContext,
): Promise<'applied' | 'unchanged'> {
  const { release } = deployment.release;
  const reason = deployment.fallback
    ? 'no worker ran: the jump host prepares the files'
    : `hosts run on release ${release}`;
  const hosts = deployment.services.services.reduce((sum, { count }) => sum + count, 0);
  return timed(context, { phase: 2, release: deployment.release.release, reason, hosts }, () =>
    look.applyServices(deployment, context),
  );
}

async function timed<T extends string>(
  { emit }: CommandContext,
  about: { phase: 1 | 2; release: string; reason: string; hosts?: number },
  work: () => Promise<T>,
): Promise<T> {
  const started = performance.now();
  emit({ type: 'phase.started', ...about });
  const outcome = await work();
  const { phase, release } = about;
  emit({ type: 'phase.finished', phase, release, outcome, durationMs: Math.round(performance.now() - started) });
  return outcome;
}

/** Between the phases, and after the jump host prepared: the release is there, with all that was planned. */
async function gate(look: TargetLook, { root }: Target, { plan }: Resolved): Promise<ReleaseRecord> {
  const { release, trees } = await look.lookUp(plan);
  const missing = plan.packages.filter((item) => !trees.has(item.tree)).map((item) => item.id);
  if (release && missing.length === 0) return release;
  throw new PrestageError('FILES_NOT_READY', `Release ${plan.release} is not complete in ${root}.`, {
    hint: 'Run the same command again; if it says so again, run `prestage verify`.',
    context: { release: plan.release, missing },
  });
}

function packageResults(record: ReleaseRecord, detection: Detection): PackageResult[] {
  const reused = new Set(detection.packages.filter((item) => item.action === 'reuse').map((item) => item.id));
  return record.packages.map(({ id, destination, tree, digest, files, bytes }) => ({
    id,
    destination,
    tree,
    digest,
    reused: reused.has(id),
    files,
    bytes,
  }));
}
