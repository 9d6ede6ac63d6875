import * as z from 'zod';
import { canonicalJson, type Json, sha256, shortDigest } from '../core/digest.js';

/**
 * What is to be prepared, as pure data: every input by its digest, no path of any machine. The same plan gives the same
 * bytes on the local worker, on an EC2 worker and on a jump server. A recipe's SHA-256 is the package's identity, so
 * nothing may be in it that does not change the result.
 */

/** The version of the recipe's and the tree's format. It changes when the same recipe would give other bytes. */
export const RECIPE_FORMAT = 1;

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** A file's digest is the SHA-256 of its bytes; a folder's that of its listing (folder-listing.ts). `name` is its base name. */
const input = z.strictObject({ kind: z.enum(['file', 'folder']), name: z.string(), sha256: digest });
const file = z.strictObject({ name: z.string(), sha256: digest });
const globs = z.array(z.string()).min(1);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const optional = z.boolean();

const recipeStep = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('patch'),
    patches: z.array(file),
    strip: z.int().min(0),
    fuzz: z.int().min(0),
    optional,
  }),
  z.strictObject({
    kind: z.literal('replace'),
    files: globs,
    from: z.string(),
    to: z.string(),
    regex: z.boolean(),
    expect: z.int().min(0).optional(),
    optional,
  }),
  z.strictObject({
    kind: z.literal('set'),
    files: globs,
    format: z.enum(['properties', 'ini', 'json', 'yaml', 'xml', 'toml']).optional(),
    values: z.record(z.string(), scalar),
    /** Whether keys may be added. Always there: without it, what earlier versions made by adding keys had this identity. */
    add: z.boolean(),
    optional,
  }),
  z.strictObject({ kind: z.literal('template'), files: globs, values: z.record(z.string(), scalar), optional }),
  z.strictObject({ kind: z.literal('copy'), from: input, to: z.string(), optional }),
  z.strictObject({ kind: z.literal('remove'), files: globs, optional }),
  z.strictObject({ kind: z.literal('chmod'), files: globs, mode: z.int().min(0).max(0o777), optional }),
  z.strictObject({
    kind: z.literal('extract'),
    file: z.string(),
    to: z.string(),
    strip: z.int().min(0),
    include: globs.optional(),
    exclude: globs.optional(),
    keep: z.boolean(),
    optional,
  }),
]);

export const recipe = z.strictObject({
  format: z.literal(RECIPE_FORMAT),
  package: z.string(),
  source: input,
  /**
   * false: the source stays one file. `single`: the same, as nobody said otherwise of a jar or its like. `auto`: extracted
   * where its content is an archive. An object: it must be one.
   */
  extract: z.union([
    z.literal(false),
    z.literal('single'),
    z.literal('auto'),
    z.strictObject({ strip: z.int().min(0), include: globs.optional(), exclude: globs.optional() }),
  ]),
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

const remote = {
  url: z.string(),
  size: z.int().optional(),
  /** A copy that was downloaded when the source was pinned. It may be gone; then the URL is fetched. */
  cached: z.string().optional(),
  /** Where `integrity` in the configuration says the digest, and not prestage.lock alone: what to change if it moved. */
  pinnedBy: z.literal('integrity').optional(),
  /** What its server said of the copy: its type, and a name. */
  said: z.strictObject({ contentType: z.string().optional(), fileName: z.string().optional() }).optional(),
};

/** Where the bytes of an input are, on the machine that prepares. Not part of any identity. */
const inputLocation = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), path: z.string(), size: z.int() }),
  z.strictObject({ kind: z.literal('folder'), path: z.string(), size: z.int() }),
  z.strictObject({ kind: z.literal('http'), ...remote }),
  /** `s3://bucket/key`. Who may read it is never said here: whoever prepares has credentials of its own. */
  z.strictObject({ kind: z.literal('s3'), ...remote, versionId: z.string().optional() }),
  /** A folder that was packed as tar (`s3://bucket/key`). Its digest is the folder's, not the archive's; `size` is the archive's. */
  z.strictObject({ kind: z.literal('packed'), url: z.string(), size: z.int() }),
]);

/** By digest. */
export const inputLocations = z.record(digest, inputLocation);

export type Recipe = z.infer<typeof recipe>;
export type RecipeInput = z.infer<typeof input>;
export type RecipeStep = z.infer<typeof recipeStep>;
export type StepOf<K extends RecipeStep['kind']> = Extract<RecipeStep, { kind: K }>;
export type ArchiveLimits = z.infer<typeof archiveLimits>;
export type PackagePlan = z.infer<typeof packagePlan>;
export type ScriptPlan = z.infer<typeof scriptPlan>;
export type ReleasePlan = z.infer<typeof releasePlan>;
export type InputLocation = z.infer<typeof inputLocation>;
export type RemoteLocation = Extract<InputLocation, { kind: 'http' | 's3' }>;
export type InputLocations = z.infer<typeof inputLocations>;

export function isRemote(location: InputLocation): location is RemoteLocation {
  return location.kind === 'http' || location.kind === 's3';
}

export function planPackage(id: string, destination: string, recipe: Recipe, limits?: ArchiveLimits): PackagePlan {
  const digest = sha256(canonicalJson(recipe as Json));
  const tree = `${id}-${shortDigest(digest)}`;
  return { id, destination, tree, digest, recipe, ...(limits === undefined ? {} : { limits }) };
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
  const ofSteps = recipe.steps.flatMap((step): RecipeInput[] => {
    if (step.kind === 'copy') return [step.from];
    return step.kind === 'patch' ? step.patches.map((patch) => ({ kind: 'file', ...patch })) : [];
  });
  return [recipe.source, ...ofSteps];
}
