import { mostAlike } from '../../../core/nearest.js';
import { type Part, parseKey, writtenPart } from './key-path.js';
import type { SetValue } from './set-format.js';
import { linesOf, problem, type SourceText } from './source-text.js';

/** A parsed document (JSON, YAML, TOML) by what it says; `node` is what its format needs to edit it, `start` its offset. */
export type Tree<N> = { node: N; start: number } & (
  | { kind: 'value'; value: SetValue }
  /** What no step can set: a date, an alias, a big integer. `text` is what it says. */
  | { kind: 'other'; what: string; text: string }
  | { kind: 'map'; members: ReadonlyMap<string, Tree<N>> }
  | { kind: 'list'; items: readonly Tree<N>[] }
);

/** Where a key leads: to what is there, or to the deepest parent there is, with the names that are missing in it. */
export type Place<N> = { path: string; tree: Tree<N>; parents: readonly Tree<N>[]; missing: readonly string[] };

interface Step<N> {
  names: readonly string[];
  tree: Tree<N>;
  parents: readonly Tree<N>[];
  rest: readonly Part[];
}

/**
 * Finds a key in the documents of a file. `a.b` is the member `b` of `a`, or the member `a.b`, whichever is there.
 * @throws STEP_INVALID where both are, or where neither is and nothing says which one to add
 */
export function locate<N>(source: SourceText, documents: readonly Tree<N>[], key: string): Place<N> {
  const parts = parseKey(source, key);
  const steps = documents.flatMap((tree, index) => [
    ...walk({ names: [String(index)], tree, parents: [], rest: parts }),
  ]);
  const found = steps.filter(({ rest }) => rest.length === 0);
  const [first] = found;
  if (found.length > 1) throw ambiguous(source, key, found);
  if (first) return place(first, []);
  if (documents.length > 1)
    throw notThere(source, documents, key, `none of the ${documents.length} documents has the key ${key}`);
  return placeToAdd(source, documents, key, steps);
}

/** Each way to go down, to its end: where the key is used up, or where its next name is missing. */
function* walk<N>(from: Step<N>): Generator<Step<N>> {
  const { names, tree, parents, rest } = from;
  let isEnd = true;
  for (const [name, count] of heads(rest)) {
    const child = childOf(tree, name);
    if (child === undefined) continue;
    isEnd = false;
    yield* walk({ names: [...names, name], tree: child, parents: [...parents, tree], rest: rest.slice(count) });
  }
  if (isEnd) yield from;
}

/** `a`, `a.b`, `a.b.c`: the names that may come first, and how many parts each takes. */
function* heads(parts: readonly Part[]): Generator<[name: string, count: number]> {
  for (let count = 1; count <= parts.length; count += 1) {
    const head = parts.slice(0, count);
    if (count > 1 && head.some(({ isQuoted }) => isQuoted)) return;
    yield [head.map(({ name }) => name).join('.'), count];
  }
}

function childOf<N>(tree: Tree<N>, name: string): Tree<N> | undefined {
  if (tree.kind === 'map') return tree.members.get(name);
  if (tree.kind === 'list' && /^(?:0|[1-9]\d*)$/.test(name)) return tree.items[Number(name)];
  return undefined;
}

function placeToAdd<N>(
  source: SourceText,
  documents: readonly Tree<N>[],
  key: string,
  steps: readonly Step<N>[],
): Place<N> {
  const least = Math.min(...steps.map(({ rest }) => rest.length));
  const deepest = steps.filter(({ rest }) => rest.length === least);
  const [parent] = deepest;
  if (!parent) throw notThere(source, documents, key, `there is nothing to find ${key} in`);
  if (deepest.length > 1) throw ambiguous(source, key, deepest);
  const { tree, rest } = parent;
  const missing = rest.map(({ name }) => name);
  const at = parent.names.slice(1).map(writtenPart).join('.') || 'the document';
  switch (tree.kind) {
    case 'list':
      throw notThere(
        source,
        documents,
        key,
        `${at} is a list of ${tree.items.length} and has no item ${missing[0]}`,
        tree,
      );
    case 'other':
      throw notThere(source, documents, key, `${at} is ${tree.what}, and nothing can be set in it`, tree);
    case 'value':
      if (tree.value === null) break;
      throw notThere(source, documents, key, `${at} is a ${typeof tree.value}, and has nothing in it`, tree);
    case 'map': {
      const flat = missing.length > 1 && [...tree.members.keys()].find((name) => name.startsWith(`${missing[0]}.`));
      if (flat) throw unclear(source, key, flat, missing, tree);
    }
  }
  return place(parent, missing);
}

function place<N>({ names, tree, parents }: Step<N>, missing: readonly string[]): Place<N> {
  return { path: JSON.stringify([...names, ...missing]), tree, parents, missing };
}

function ambiguous<N>(source: SourceText, key: string, steps: readonly Step<N>[]) {
  const places = linesOf(
    source,
    steps.map(({ tree }) => tree.start),
  );
  return problem(source, steps[0]?.tree.start, `${key} may mean more than one place (${places})`, {
    hint: 'Put a name that has dots in double quotes: `"a.b".c`. A key of a file with several documents must be in one of them alone.',
    key,
    expected: 'one place',
    found: places,
  });
}

function unclear<N>(source: SourceText, key: string, sibling: string, missing: readonly string[], tree: Tree<N>) {
  return problem(
    source,
    tree.start,
    `there is no ${key}, and beside it stands ${JSON.stringify(sibling)}, a name with dots`,
    {
      hint: `Write ${JSON.stringify(missing.join('.'))} in double quotes to add one name with dots, or ${missing.map((name) => JSON.stringify(name)).join('.')} to add names in each other.`,
      key,
    },
  );
}

function notThere<N>(source: SourceText, documents: readonly Tree<N>[], key: string, message: string, tree?: Tree<N>) {
  const known = documents
    .flatMap((document) => [...leaves(document, [])])
    .map(([names]) => names.map(writtenPart).join('.'));
  const near = mostAlike(key, known);
  return problem(source, tree?.start, message, {
    hint: near.length === 0 ? 'Check the key against the file.' : `Nearest keys: ${near.join(', ')}.`,
    key,
  });
}

/** What documents say, flat: each value by its path. */
export function readTrees<N>(documents: readonly Tree<N>[]): Map<string, string> {
  const all = documents.flatMap((document, index) => [...leaves(document, [String(index)])]);
  return new Map(all.map(([names, text]) => [JSON.stringify(names), text]));
}

function* leaves<N>(tree: Tree<N>, names: readonly string[]): Generator<[names: readonly string[], text: string]> {
  switch (tree.kind) {
    case 'value':
      yield [names, JSON.stringify(tree.value)];
      break;
    case 'other':
      yield [names, `${tree.what} ${tree.text}`];
      break;
    case 'map':
      if (tree.members.size === 0) yield [names, '{}'];
      for (const [name, member] of tree.members) yield* leaves(member, [...names, name]);
      break;
    case 'list':
      if (tree.items.length === 0) yield [names, '[]'];
      for (const [index, item] of tree.items.entries()) yield* leaves(item, [...names, String(index)]);
  }
}

/** @throws STEP_INVALID where what is there is no single value */
export function checkIsValue<N>(
  source: SourceText,
  key: string,
  tree: Tree<N>,
): asserts tree is Tree<N> & { kind: 'value' } {
  if (tree.kind === 'value') return;
  const what = tree.kind === 'map' ? 'a map' : tree.kind === 'list' ? 'a list' : tree.what;
  throw problem(source, tree.start, `${key} is ${what}, not a single value`, {
    hint:
      tree.kind === 'other'
        ? 'Change it with a `replace` or `patch` step.'
        : 'Name a key in it, or change all of it with a `replace` or `patch` step.',
    key,
    expected: 'text, a number, a boolean or null',
    found: what,
  });
}
