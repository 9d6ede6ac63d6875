import { canonicalJson, type Json } from '../../core/digest.js';
import { formatMode } from '../../core/units.js';
import type { Recipe, RecipeStep } from '../../plan/index.js';
import { aligned } from './aligned.js';
import { differingLeaves } from './leaves.js';

/** One thing of a package that is not as it was. */
export interface Change {
  /** `source`, `extract`, `destination`, `step 2 (set)`. */
  what: string;
  /** Which setting of it. */
  key?: string;
  /** Absent: it was not there. */
  before?: string;
  /** Absent: it is gone. */
  after?: string;
  /** Which values and inputs of the configuration it is made of. */
  values?: ChangedValue[];
  /** Hunks as `diff -u` writes them, for a script whose old text is known. */
  diff?: string[];
}

/** A value or an input. What it was and is where a setting is that and nothing else. */
export interface ChangedValue {
  /** `values.port`, `env.BUILD` */
  name: string;
  before?: string;
  after?: string;
}

type Content = Omit<Recipe, 'format' | 'package'>;

/** What differs between two recipes of a package. Values whose names say that they are secret are not shown. */
export function recipeChanges(before: Content, after: Content): Change[] {
  return [
    ...leafChanges('source', { source: before.source }, { source: after.source }),
    ...leafChanges('extract', { extract: before.extract }, { extract: after.extract }),
    ...stepChanges(before.steps, after.steps),
  ];
}

/** "its source and step 2 (set)" */
export function summaryOf(changes: readonly Change[]): string {
  const parts = [...new Set(changes.map(({ what }) => (what.startsWith('step') ? what : `its ${what}`)))];
  const shown = parts.length > 4 ? [...parts.slice(0, 3), `${parts.length - 3} more`] : parts;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

function stepChanges(before: readonly RecipeStep[], after: readonly RecipeStep[]): Change[] {
  const name = (step: RecipeStep, index: number) => `step ${index + 1} (${step.kind})`;
  const pairs = aligned(before, after, { same: isSame, alike: (a, b) => a.kind === b.kind });
  return pairs.flatMap(({ old, now }): Change[] => {
    if (old && now) return leafChanges(name(now.item, now.index), asWritten(old.item), asWritten(now.item));
    if (now) return [{ what: name(now.item, now.index), after: 'added' }];
    return old ? [{ what: name(old.item, old.index), before: 'removed' }] : [];
  });
}

/** A mode is a number in a recipe, and octal to everybody who reads one. */
export function asWritten(step: RecipeStep): object {
  return step.kind === 'chmod' ? { ...step, mode: formatMode(step.mode) } : step;
}

function isSame(a: RecipeStep, b: RecipeStep): boolean {
  return canonicalJson(a as Json) === canonicalJson(b as Json);
}

export function leafChanges(what: string, before: object, after: object): Change[] {
  return differingLeaves(before, after).map(({ key, ...values }) => ({
    what,
    ...(key === what ? {} : { key }),
    ...values,
  }));
}
