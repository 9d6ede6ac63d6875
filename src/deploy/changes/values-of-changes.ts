import type { KeyPath, ValueReference } from '../../config/index.js';
import type { Resolved } from '../../resolve/index.js';
import type { Change, ChangedValue } from './recipe-changes.js';

/** A change with the values of the configuration that it comes from. */
export type WithValues = (of: 'packages' | 'services', name: string, change: Change) => Change;

/** Says of what changed which values and inputs are in the texts that are there now. What came of a secret one is not shown. */
export function changesWithValues({ config, stepIndices }: Pick<Resolved, 'config' | 'stepIndices'>): WithValues {
  return (room, name, change) => {
    const below = [room, name, ...(room === 'packages' ? placeOf(change.what, stepIndices.get(name) ?? []) : [])];
    const key = change.key?.startsWith(`${change.what}.`) ? change.key.slice(change.what.length + 1) : change.key;
    const found = config.references.filter(
      ({ path }) => startsWith(path, below) && isOf(tailOf(path, below), key ?? ''),
    );
    if (found.length === 0 || change.after === undefined || change.after === 'added') return change;
    const isSecret = found.some((each) => each.isSecret);
    const shown: Change = isSecret
      ? { ...change, ...(change.before === undefined ? {} : { before: '***' }), after: '***' }
      : change;
    return { ...shown, values: changedValues(found, isSecret ? { what: change.what } : change) };
  };
}

/** `values.port: 8080 → 8081`, or the name alone where a longer text has it. Undefined where no value is in what changed. */
export function wordsOfValues(changes: readonly Change[]): string | undefined {
  const all = changes.flatMap(({ values = [] }) => values);
  const inFull = new Set(all.flatMap(({ name, before }) => (before === undefined ? [] : [name])));
  const words = all.flatMap(({ name, before, after }) => {
    if (before !== undefined) return [`${name}: ${before} → ${after}`];
    return inFull.has(name) ? [] : [name];
  });
  return words.length === 0 ? undefined : [...new Set(words)].join(', ');
}

/** Where in a package the configuration says it. A step of a recipe may be one of several that one step became. */
function placeOf(what: string, indices: readonly number[]): KeyPath {
  const [, number] = /^step (\d+) /.exec(what) ?? [];
  return number === undefined ? [what] : ['steps', indices[Number(number) - 1] ?? -1];
}

function startsWith(path: KeyPath, start: KeyPath): boolean {
  return start.every((step, i) => path[i] === step);
}

/** What follows, without the kind of a step. */
function tailOf(path: KeyPath, below: KeyPath): string {
  const rest = path.slice(below.length);
  return (below[2] === 'steps' ? rest.slice(1) : rest).join('.');
}

/** Whether a text is of a setting: the same, within it or around it. A short form (`remove: [docs]`) has no key of its own. */
function isOf(tail: string, key: string): boolean {
  if (tail === '' || key === '' || /^\d/.test(tail) || tail === key) return true;
  const [long, short] = tail.length > key.length ? [tail, key] : [key, tail];
  return long.startsWith(short) && /^[.[A-Z]/.test(long.slice(short.length));
}

/** Where the text is a value and nothing else, what it was is the value that it was. */
function changedValues(found: readonly ValueReference[], { before, after }: Change): ChangedValue[] {
  const unquoted = (text: string) => text.replace(/^"(.*)"$/s, '$1');
  return [...new Map(found.map((each) => [each.name, each])).values()].map(({ name, value }) =>
    before !== undefined && after !== undefined && unquoted(after) === String(value)
      ? { name, before: unquoted(before), after: unquoted(after) }
      : { name },
  );
}
