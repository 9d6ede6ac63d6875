import * as z from 'zod';
import { canonicalJson, type Json, sha256, shortDigest } from '../core/digest.js';
import { extraction } from './extraction.js';
import { digest, input, type RecipeInput } from './input.js';
import { inputsOfStep, recipeStep } from './steps/index.js';

/**
 * What is to be prepared, as pure data: every input by its digest, no path of any machine. The same plan gives the same
 * bytes on the local worker, on an EC2 worker and on a jump server. A recipe's SHA-256 is the package's identity, so
 * nothing may be in it that does not change the result.
 */

/** The version of the recipe's and the tree's format. It changes when the same recipe would give other bytes. */
export const RECIPE_FORMAT = 1;

export const recipe = z.strictObject({
  format: z.literal(RECIPE_FORMAT),
  package: z.string(),
  source: input,
  /**
   * false: the source stays one file. `single`: the same, as nobody said otherwise of a jar or its like. `auto`: extracted
   * where its content is an archive. An object: it must be one.
   */
  extract: z.union([z.literal(false), z.literal('single'), z.literal('auto'), z.strictObject(extraction)]),
  steps: z.array(recipeStep),
});

/** What an archive of a package may hold at most, where the configuration says other than the defaults. */
const archiveLimits = z.strictObject({
  /** Bytes of files for each byte of the archive. */
  ratio: z.int().min(1).optional(),
  /** Bytes of all files together. */
  size: z.int().min(1).optional(),
  /** Entries, whatever they are. */
  count: z.int().min(1).optional(),
  /** Folders above an entry, and itself. */
  depth: z.int().min(1).optional(),
  /** Bytes of one name in a path. */
  nameLength: z.int().min(1).optional(),
});

const packagePlan = z.strictObject({
  id: z.string(),
  /** POSIX path under the release, such as `opt/installer`. */
  destination: z.string(),
  /** The tree's name in the store: `<id>-<first 16 hex digits of digest>`. */
  tree: z.string(),
  /** The recipe's SHA-256, in full. */
  digest,
  recipe,
  /** Beside the recipe: they decide whether there is a result, not what it is. */
  limits: archiveLimits.optional(),
  /** Beside the recipe, too: the variable with the password of its archives, which the one who prepares reads. */
  password: z.strictObject({ fromEnv: z.string() }).optional(),
});

/** A `boot` or `run` script; `path` is relative to the config's folder, with forward slashes. */
const scriptPlan = z.strictObject({ path: z.string(), sha256: digest });

export const releasePlan = z.strictObject({
  format: z.literal(RECIPE_FORMAT),
  /** The project's name. */
  name: z.string(),
  /** The release's id: the first 16 hex digits of `digest`. */
  release: z.string(),
  digest,
  /** By id, in code-unit order. */
  packages: z.array(packagePlan),
  /** By path, in code-unit order. */
  scripts: z.array(scriptPlan),
});

export type Recipe = z.infer<typeof recipe>;
export type ArchiveLimits = z.infer<typeof archiveLimits>;
export type PackagePlan = z.infer<typeof packagePlan>;
export type ScriptPlan = z.infer<typeof scriptPlan>;
export type ReleasePlan = z.infer<typeof releasePlan>;

export function planPackage(
  id: string,
  destination: string,
  recipe: Recipe,
  { limits, password }: Pick<PackagePlan, 'limits' | 'password'> = {},
): PackagePlan {
  const digest = sha256(canonicalJson(recipe as Json));
  const tree = `${id}-${shortDigest(digest)}`;
  return {
    ...{ id, destination, tree, digest, recipe },
    ...(limits === undefined ? {} : { limits }),
    ...(password === undefined ? {} : { password }),
  };
}

/** The release's digest covers what it holds: which recipes, where, and the hosts' scripts. */
export function planRelease(
  name: string,
  packages: readonly PackagePlan[],
  scripts: readonly ScriptPlan[],
): ReleasePlan {
  const sortedPackages = [...packages].sort((a, b) => (a.id < b.id ? -1 : 1));
  const sortedScripts = [...scripts].sort((a, b) => (a.path < b.path ? -1 : 1));
  const digest = sha256(
    canonicalJson({
      format: RECIPE_FORMAT,
      name,
      packages: sortedPackages.map(({ id, destination, digest }) => ({ id, destination, digest })),
      scripts: sortedScripts,
    }),
  );
  return {
    format: RECIPE_FORMAT,
    name,
    release: shortDigest(digest),
    digest,
    packages: sortedPackages,
    scripts: sortedScripts,
  };
}

/** Everything that preparing a package reads, the source first. */
export function inputsOf({ recipe }: PackagePlan): RecipeInput[] {
  return [recipe.source, ...recipe.steps.flatMap(inputsOfStep)];
}
