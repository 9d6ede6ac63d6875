import { type PackagePlan, planPackage, recipe } from '../plan/index.js';
import type { ReleaseRecord } from '../store/index.js';

/** A package as it was planned for a release; undefined where the record has no recipe that this version can read. */
export function recordedPackage(item: ReleaseRecord['packages'][number]): PackagePlan | undefined {
  const { id, destination, recipe: digest, recipeContent } = item;
  const known = recipe.safeParse(recipeContent);
  const plan = known.success ? planPackage(id, destination, known.data) : undefined;
  return plan?.digest === digest ? plan : undefined;
}
