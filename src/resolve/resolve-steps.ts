import type { KeyPath, PackageConfig } from '../config/index.js';
import { mapBounded } from '../core/bounded.js';
import { type RecipeStep, resolveStep, type StepFiles } from '../plan/index.js';
import type { Inputs } from './inputs.js';
import { expandPatches } from './series.js';

export interface ResolvedSteps {
  steps: RecipeStep[];
  /** The index of the step in the configuration, from 0, that each one comes from: a quilt series may become several. */
  indices: number[];
}

/** A package's steps with every file that they read by its digest. What is missing is noted as a problem. */
export async function resolveSteps({ id, steps }: PackageConfig, inputs: Inputs): Promise<ResolvedSteps> {
  const resolved = await mapBounded([...steps.entries()], 4, ([index, step]) =>
    resolveStep(step, (kind) => filesBeside(inputs, ['packages', id, 'steps', index, kind])),
  );
  return { steps: resolved.flat(), indices: resolved.flatMap((made, index) => made.map(() => index)) };
}

/** The files beside the configuration, for the step at `at`. */
function filesBeside(inputs: Inputs, at: KeyPath): StepFiles {
  return {
    async input(path, key) {
      const found = await inputs.local(path, [...at, ...key]);
      return found && { kind: found.kind, name: found.name, sha256: found.sha256 };
    },
    async patches(path, key) {
      const place = [...at, ...key];
      const series = await inputs.found(place, 'a patch or a series', inputs.absolute(path), expandPatches);
      if (series?.fault !== undefined)
        inputs.problems.push({ path: place, expected: 'a patch a line, with -pN at most', found: series.fault });
      const files = await mapBounded(series?.patches ?? [], 1, async ({ path, strip }) => {
        const file = await inputs.file(path, place);
        return file === undefined ? [] : [{ name: file.name, sha256: file.sha256, strip }];
      });
      return files.flat();
    },
  };
}
