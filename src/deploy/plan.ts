import { type ErrorCode, PrestageError } from '../core/errors.js';
import type { SourceHandling } from '../prepare/index.js';
import type { Resolved } from '../resolve/index.js';
import type { Deployment, ReviewFile } from '../targets/index.js';
import { withDiffs } from './changes/script-diffs.js';
import { serviceChanges } from './changes/service-changes.js';
import { changesWithValues } from './changes/values-of-changes.js';
import { contentsOf } from './contents.js';
import { demandUsable } from './demand-usable.js';
import { demandImages } from './deploy.js';
import { type Detection, detect, toPrepare } from './detect.js';
import { type CommandOptions, loadProject, type Project, resolveProject, targetOf } from './project.js';
import type { PlanResult } from './results.js';
import { writeReview } from './review.js';

export interface PlanOptions extends CommandOptions {
  updateLock?: boolean;
  /** As if `deploy` made hosts again from the newest machine image. */
  refreshImage?: boolean;
  /** Asks neither the target nor a source's server. */
  offline?: boolean;
  /** A folder to write what would be deployed to, for review. */
  out?: string;
}

/**
 * What `deploy` would do, and why. Changes nothing: not the lockfile, not the store. Where nobody can be asked, or is to be,
 * it is what the configuration and the lockfile say by themselves.
 */
export async function plan(options: PlanOptions): Promise<PlanResult> {
  const project = await loadProject(options);
  if (options.refreshImage) demandImages(project.environment);
  const resolved = await resolveProject(project, options);
  const answers = options.offline ? undefined : await askTarget(project, resolved, options);
  if (answers) await demandUsable(resolved, toPrepare(answers.detection));
  if (options.out !== undefined) await writeReview(options.out, resolved, answers?.review);
  const { environment } = project;
  const packages = resolved.plan.packages.map(async ({ id, tree }) => {
    const found = answers?.detection.packages.find((item) => item.id === id);
    const known = found ?? { id, tree, action: 'unknown' as const, reason: `would be ${tree}`, changes: [] };
    const { words, refusal } = await handlingOf(resolved, id);
    const isOpen = known.action === 'unknown' && refusal !== undefined;
    return { ...known, source: isOpen ? `${words}; it would be refused: ${refusal.message}` : words };
  });
  return {
    environment: environment.name,
    release: resolved.plan.release,
    sources: resolved.lockfile.changes,
    notAsked: answers ? [] : [`what is prepared in ${environment.name}`, `what is deployed and runs there`],
    phase1: {
      needed: answers?.detection.needed ?? null,
      packages: await Promise.all(packages),
      scripts: answers?.detection.scripts ?? [],
    },
    phase2: answers?.phase2 ?? null,
  };
}

interface Answers {
  detection: Detection;
  phase2: NonNullable<PlanResult['phase2']>;
  /** What the target would make, where a review of it is to be written. */
  review: ReviewFile[];
}

/** Undefined, with a warning, where this machine is not set up to ask, or has no network. */
async function askTarget(
  project: Omit<Project, 'target'>,
  resolved: Resolved,
  { out, refreshImage }: Pick<PlanOptions, 'out' | 'refreshImage'>,
): Promise<Answers | undefined> {
  const { emit, signal } = project.context;
  const deployment: Deployment = {
    environment: project.environment.name,
    release: contentsOf(resolved.plan),
    services: resolved.services,
    ...(refreshImage ? { image: 'newest' as const } : {}),
  };
  try {
    const target = await targetOf(project);
    const look = target.look();
    const withValues = changesWithValues(resolved);
    const detection = await detect(look, resolved.plan, { compare: true, withValues });
    const [phase2, secretFaults] = await Promise.all([
      look.planServices(deployment),
      look.secretFaults(resolved.services),
    ]);
    for (const { found, remedy } of secretFaults) emit({ type: 'warning', message: found, hint: remedy });
    const deployed = (await look.history()).at(-1)?.services;
    const changes = deployed === undefined ? [] : serviceChanges(deployed, resolved.services);
    const ofServices = changes.map((change) => withValues('services', change.what.replace(/^service /, ''), change));
    return {
      detection: { ...detection, scripts: await withDiffs(detection, target, resolved) },
      phase2: { ...phase2, changes: ofServices },
      review: out === undefined ? [] : ((await look.reviewFiles?.(deployment, resolved)) ?? []),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PrestageError && CANNOT_ASK.has(error.code))) throw error;
    emit({
      type: 'warning',
      message: `AWS could not be asked: ${error.message}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
    return undefined;
  }
}

const CANNOT_ASK: ReadonlySet<ErrorCode> = new Set(['AWS_SETTINGS', 'AWS_PARTS_MISSING']);

async function handlingOf({ plan, inputs }: Resolved, id: string): Promise<SourceHandling> {
  const { sourceHandling } = await import('../prepare/index.js');
  const item = plan.packages.find((each) => each.id === id);
  return item === undefined ? { words: '' } : sourceHandling(item, inputs);
}
