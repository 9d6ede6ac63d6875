import type { KeyPath, PackageConfig, StepConfig } from '../config/index.js';
import { mapBounded } from '../core/bounded.js';
import { sha256 } from '../core/digest.js';
import type { RecipeStep, StepOf } from '../plan/index.js';
import type { Inputs } from './inputs.js';
import { expandPatches } from './series.js';

export interface ResolvedSteps {
  steps: RecipeStep[];
  /** Of each, which step of the configuration it comes from, from 0: a quilt series may become several. */
  indices: number[];
}

/** A package's steps with every file that they read by its digest. What is missing is noted as a problem. */
export async function resolveSteps({ id, steps }: PackageConfig, inputs: Inputs): Promise<ResolvedSteps> {
  const resolved = await mapBounded(steps, 4, (step) =>
    resolveStep(step, ['packages', id, 'steps', step.index], inputs),
  );
  const indices = resolved.flatMap((made, at) => made.map(() => steps[at]?.index ?? at));
  return { steps: resolved.flat(), indices };
}

async function resolveStep(step: StepConfig, key: KeyPath, inputs: Inputs): Promise<RecipeStep[]> {
  switch (step.kind) {
    case 'recipe':
      return [step.step];
    case 'copy': {
      const input = await inputs.local(step.from, [...key, 'copy', 'from']);
      if (!input) return [];
      const { kind, name, sha256 } = input;
      return [{ kind: 'copy', from: { kind, name, sha256 }, to: step.to, optional: step.optional }];
    }
    case 'patch':
      return resolvePatch(step, [...key, 'patch'], inputs);
  }
}

const EMPTY = sha256('');

/** To quilt a patch without any content has nothing to do yet. Where all are so, that is an error, and the step's to tell. */
function withoutEmpty<T extends { file: { sha256: string } }>(patches: readonly T[]): readonly T[] {
  const others = patches.filter(({ file }) => file.sha256 !== EMPTY);
  return others.length > 0 ? others : patches;
}

type PatchConfig = Extract<StepConfig, { kind: 'patch' }>;

/** One step, or several where the lines of a series ask for different strips. */
async function resolvePatch(step: PatchConfig, key: KeyPath, inputs: Inputs): Promise<RecipeStep[]> {
  const steps: StepOf<'patch'>[] = [];
  for (const written of step.files) {
    const place = [...key, ...written.key];
    const series = await inputs.found(place, 'a patch or a series', inputs.absolute(written.path), expandPatches);
    if (series?.fault !== undefined)
      inputs.problems.push({ path: place, expected: 'a patch a line, with -pN at most', found: series.fault });
    const inputsOf = await mapBounded(series?.patches ?? [], 1, async ({ path, strip }) => {
      const file = await inputs.file(path, place);
      return file === undefined ? [] : [{ file, strip: strip ?? step.strip }];
    });
    for (const { file, strip } of withoutEmpty(inputsOf.flat())) {
      const last = steps.at(-1);
      const item = { name: file.name, sha256: file.sha256 };
      if (last?.strip === strip) last.patches.push(item);
      else steps.push({ kind: 'patch', patches: [item], strip, fuzz: step.fuzz, optional: step.optional });
    }
  }
  return steps;
}
