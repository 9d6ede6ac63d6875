import * as z from 'zod';
import type { RecipeInput } from '../input.js';

/**
 * A kind of step: as a configuration writes it, and as a recipe has it. What it does to a tree is in a file of the same name
 * in src/prepare/steps/.
 */
export interface StepKind<Written extends z.ZodType, Recipe extends z.ZodType> {
  /** What stands under its key in a configuration. Errors and descriptions are for its users. */
  written: Written;
  /** With defaults and short forms written out, and digests instead of paths: a part of the package's identity. */
  recipe: Recipe;
  /** From the one to the other. Several where one written step stands for more, none where its files are missing. */
  resolve(written: z.output<Written>, files: StepFiles): WithoutKind<Recipe>[] | Promise<WithoutKind<Recipe>[]>;
  /** What it reads besides the tree. */
  inputs?(step: z.output<Recipe>): RecipeInput[];
}

/**
 * The files beside the configuration, for a step that reads some. `key` is where below the step the configuration names the
 * path, for messages; a file that is missing is noted there as a problem.
 */
export interface StepFiles {
  /** A file or a folder; undefined where there is none. */
  input(path: string, key: readonly (string | number)[]): Promise<RecipeInput | undefined>;
  /** The patches that a path stands for: itself, or those of a quilt series, with the `-p` of their lines. */
  patches(path: string, key: readonly (string | number)[]): Promise<PatchFile[]>;
}

export interface PatchFile {
  name: string;
  sha256: string;
  strip: number | undefined;
}

type WithoutKind<Recipe extends z.ZodType> = Omit<z.output<Recipe>, 'kind'>;

/** Says the types of a kind, which the compiler takes from its schemas. */
export function stepKind<Written extends z.ZodType, Recipe extends z.ZodType>(
  kind: StepKind<Written, Recipe>,
): StepKind<Written, Recipe> {
  return kind;
}

/** The values that most recipes of steps have. */
export const globs = z.array(z.string()).min(1);
export const optional = z.boolean();
