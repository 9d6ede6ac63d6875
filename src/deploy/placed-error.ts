import { PrestageError } from '../core/errors.js';
import type { Resolved } from '../resolve/index.js';

/**
 * What a worker failed with, with the lines of the configuration that say what it did. The worker knows none: it may be on
 * another machine, and a recipe's identity must not change with a comment above it.
 */
export function placedError(thrown: unknown, resolved: Pick<Resolved, 'config' | 'stepIndices'>): unknown {
  return thrown instanceof PrestageError ? placed(thrown, resolved) : thrown;
}

function placed(error: PrestageError, resolved: Pick<Resolved, 'config' | 'stepIndices'>): PrestageError {
  if (error.errors.length > 0) return error.with({ errors: error.errors.map((one) => placed(one, resolved)) });
  const { package: id, step, stepKind, key } = error.context;
  if (id === undefined) return error;
  const { config, stepIndices } = resolved;
  // The configuration's own step: one series of patches may be several of the recipe.
  const index = step === undefined ? undefined : stepIndices.get(id)?.[step - 1];
  const deepest = stepKind === 'set' && key !== undefined ? ['set', 'values', key] : [];
  const line = config.locate(['packages', id, ...(index === undefined ? ['source'] : ['steps', index, ...deepest])]);
  const context = {
    ...error.context,
    ...(index === undefined ? {} : { step: index + 1 }),
    configFile: config.file,
    ...(line === undefined ? {} : { configLine: line }),
  };
  return error.with({ context });
}
