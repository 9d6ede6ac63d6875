import type { ReleasePlan } from '../plan/index.js';
import type { ReleaseContents } from '../targets/index.js';

/** What phase 2 needs of a plan: its identity, without how to prepare it. */
export function contentsOf({ release, packages, scripts }: ReleasePlan): ReleaseContents {
  return {
    release,
    packages: packages.map(({ id, destination, digest }) => ({ id, destination, recipe: digest })),
    scripts,
  };
}
