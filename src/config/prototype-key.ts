import { describe, type Problem } from './problem.js';
import type { KeyPath } from './read/source-file.js';
import { ID_RULE } from './schema-values.js';

const KEY = '__proto__';

/** zod leaves out a key that is called `__proto__`: what was meant by it would be missing, and nobody would be told. */
export function prototypeProblems(
  data: unknown,
  path: KeyPath = [],
  seen: Set<unknown> = new Set<unknown>(),
): Problem[] {
  if (typeof data !== 'object' || data === null || seen.has(data)) return [];
  seen.add(data);
  return Object.entries(data).flatMap(([key, value]): Problem[] => {
    const at = [...path, Array.isArray(data) ? Number(key) : key];
    if (key !== KEY) return prototypeProblems(value, at, seen);
    return [{ path: at, expected: path.length === 1 ? ID_RULE : 'another key', found: describe(key) }];
  });
}
