import * as z from 'zod';
import type { RecipeInput } from '../input.js';
import { chmod } from './chmod.js';
import { copy } from './copy.js';
import { extract } from './extract.js';
import { patch } from './patch.js';
import { remove } from './remove.js';
import { replace } from './replace.js';
import { set } from './set.js';
import type { StepFiles, StepKind } from './step-kind.js';
import { template } from './template.js';

/** The kinds of steps, by the key that a configuration has for each. The order is that of help and of messages. */
const KINDS = { patch, replace, set, template, copy, remove, chmod, extract };

type Kind = keyof typeof KINDS;
type OfEach<Member extends keyof StepKind<z.ZodType, z.ZodType>> = { [K in Kind]: (typeof KINDS)[K][Member] };

const written = Object.fromEntries(Object.entries(KINDS).map(([key, kind]) => [key, kind.written]));

/** A step as a configuration writes it. */
export const writtenStep = z
  .strictObject(written as OfEach<'written'>)
  .partial()
  .refine((value) => Object.values(value).filter((member) => member !== undefined).length === 1, {
    error: `one of ${Object.keys(KINDS).join(', ')} in each item of the list`,
  })
  .meta({
    description: 'One change to the package: exactly one of these keys.',
    minProperties: 1,
    maxProperties: 1,
  });

type RecipeSchema = OfEach<'recipe'>[Kind];

/** A step of a recipe: with every default, and every file by its digest. */
export const recipeStep = z.discriminatedUnion(
  'kind',
  Object.values(KINDS).map(({ recipe }) => recipe) as unknown as [RecipeSchema, ...RecipeSchema[]],
);

export type WrittenStep = z.output<typeof writtenStep>;
export type RecipeStep = z.infer<typeof recipeStep>;
export type StepOf<K extends Kind> = Extract<RecipeStep, { kind: K }>;

/** The steps of a recipe that a written step stands for. `filesOf` gives those beside the configuration, for a step of this kind. */
export async function resolveStep(step: WrittenStep, filesOf: (kind: Kind) => StepFiles): Promise<RecipeStep[]> {
  const kind = (Object.keys(KINDS) as Kind[]).find((each) => step[each] !== undefined);
  if (kind === undefined) return [];
  const made = await anyKind(kind).resolve(step[kind], filesOf(kind));
  return made.map((each) => ({ kind, ...each }) as RecipeStep);
}

/** What a step reads besides the tree. */
export function inputsOfStep(step: RecipeStep): RecipeInput[] {
  return anyKind(step.kind).inputs?.(step) ?? [];
}

/** The compiler cannot follow that a key and its value are of one kind. */
function anyKind(kind: Kind): StepKind<z.ZodType, z.ZodType> {
  return KINDS[kind] as unknown as StepKind<z.ZodType, z.ZodType>;
}
