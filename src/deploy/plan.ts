import { demandSources, type Resolved } from '../config/index.js';
import type { Deployment } from '../targets/index.js';
import { contentsOf } from './contents.js';
import { detect, toPrepare } from './detect.js';
import { type CommandOptions, openProject, resolveProject } from './project.js';
import type { PlanResult } from './results.js';
import { writeReview } from './review.js';

export interface PlanOptions extends CommandOptions {
  updateLock?: boolean;
  /** A folder to write what would be deployed to, for review. */
  out?: string;
}

/** What `deploy` would do, and why. Changes nothing: not the lockfile, not the store. */
export async function plan(options: PlanOptions): Promise<PlanResult> {
  const project = await openProject(options);
  const { target, environment } = project;
  const resolved = await resolveProject(project, options);
  const detection = await detect(target, resolved.plan);
  demandSources(resolved, toPrepare(detection));
  const deployment: Deployment = {
    environment: environment.name,
    release: contentsOf(resolved.plan),
    services: resolved.services,
  };
  if (options.out !== undefined) await writeReview(options.out, resolved);
  return {
    environment: environment.name,
    release: resolved.plan.release,
    sources: resolved.lockfile.changes,
    phase1: {
      needed: detection.needed,
      packages: await Promise.all(
        detection.packages.map(async (item) => ({ ...item, source: await handlingOf(resolved, item.id) })),
      ),
      scripts: detection.scripts,
    },
    phase2: await target.planServices(deployment),
  };
}

async function handlingOf({ plan, inputs }: Resolved, id: string): Promise<string> {
  const { sourceHandling } = await import('../prepare/index.js');
  const item = plan.packages.find((each) => each.id === id);
  return item === undefined ? '' : sourceHandling(item, inputs);
}
