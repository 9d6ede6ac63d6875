import { asPrestageError, PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { secretValues } from '../../core/secret-lines.js';
import type { RecipeStep } from '../../plan/index.js';
import type { Tree } from '../tree/tree.js';
import { applyChmod } from './chmod.js';
import { applyCopy } from './copy.js';
import { applyExtract } from './extract.js';
import { applyPatchStep } from './patch/index.js';
import { applyRemove } from './remove.js';
import { applyReplace } from './replace.js';
import { applySetStep } from './set-step.js';
import type { StepContext, StepOutcome } from './step.js';
import { applyTemplate } from './template.js';
import { WatchedTree } from './watched-tree.js';

export interface StepsJob extends StepContext {
  /** The package's id, for events and errors. */
  package: string;
  steps: readonly RecipeStep[];
  tree: Tree;
  emit: Emit;
}

/**
 * Applies a package's steps to its tree, in order, and says of each what it changed. A step that changes nothing is an
 * error unless it is optional.
 * @throws STEP_NO_EFFECT, STEP_FILE_MISSING, STEP_COUNT, STEP_INVALID, PATCH_FAILED, PATCH_INVALID, TEMPLATE_UNKNOWN, and
 * what archives, inputs and the tree throw; each with the package, the step's number and its kind in its context.
 */
export async function applySteps({ package: id, steps, emit, ...context }: StepsJob): Promise<void> {
  for (const [index, step] of steps.entries()) {
    context.signal.throwIfAborted();
    const place = { package: id, step: index + 1, stepKind: step.kind };
    try {
      await context.tree.settled(); // streams may still be filling files that the step reads
      const tree = new WatchedTree(context.tree, { makesTexts: step.kind === 'patch' || step.kind === 'template' });
      const { files, changes, summary, nothing } = await applyStep(step, { ...context, tree });
      if (changes === 0 && !step.optional) throw noEffect(nothing);
      const said = changes === 0 ? `nothing to do${nothing ? `: ${nothing.reason}` : ''}` : summary;
      emit({ type: 'package.step', package: id, step: place.step, kind: step.kind, files, changes, summary: said });
      const changed = tree.changes(secretValues(step));
      if (changed.files.length > 0) emit({ type: 'package.changed', package: id, step: place.step, ...changed });
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      throw asPrestageError(error, place);
    }
  }
}

function applyStep(step: RecipeStep, context: StepContext): Promise<StepOutcome> {
  switch (step.kind) {
    case 'patch':
      return applyPatchStep(step, context);
    case 'replace':
      return applyReplace(step, context);
    case 'set':
      return applySetStep(step, context);
    case 'template':
      return applyTemplate(step, context);
    case 'copy':
      return applyCopy(step, context);
    case 'remove':
      return applyRemove(step, context);
    case 'chmod':
      return applyChmod(step, context);
    case 'extract':
      return applyExtract(step, context);
  }
}

function noEffect(nothing: StepOutcome['nothing']): PrestageError {
  return new PrestageError(
    'STEP_NO_EFFECT',
    `The step changed nothing: ${nothing?.reason ?? 'all is as it asks already'}.`,
    {
      hint: nothing?.hint ?? 'Remove the step, or give it `optional: true` if it may have nothing to do.',
    },
  );
}
