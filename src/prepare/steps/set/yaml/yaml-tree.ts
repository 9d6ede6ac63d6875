import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Tree } from '../document-tree.js';
import { problem, type SourceText } from '../source-text.js';

/** What is edited: a scalar or a map, or nothing at `position`, where a value would be. */
export interface YamlNode {
  node: Scalar | YAMLMap | undefined;
  /** In `{}` or `[]`. */
  isFlow: boolean;
  /** Where the value's own text ends. */
  end: number;
}

/** The documents of a YAML file that have something in them; one that is empty where all are. @throws STEP_INVALID */
export function readYaml(source: SourceText): Tree<YamlNode>[] {
  checkLineBreaks(source);
  // A stream of no documents is an empty array with properties of its own.
  const documents = [...parseAllDocuments(source.text, { keepSourceTokens: true })];
  for (const document of documents) checkErrors(source, document);
  const trees = documents.map((document) =>
    treeOf(source, document.contents as Node | null, source.text.length, false),
  );
  const filled = trees.filter((tree) => !(tree.kind === 'value' && tree.node.node === undefined));
  return filled.length > 0
    ? filled
    : [{ kind: 'value', value: null, start: 0, node: { node: undefined, isFlow: false, end: source.text.length } }];
}

/**
 * A carriage return alone ends a line, and a byte order mark may begin a document, by YAML's rules (1.2.2, 5.2 and 5.4);
 * not for the parser. @throws STEP_INVALID
 */
function checkLineBreaks(source: SourceText): void {
  const lone = source.text.search(/\r(?!\n)/);
  const mark = source.text.indexOf('\n\uFEFF');
  if (mark !== -1)
    throw problem(source, mark + 1, 'a byte order mark inside the file is part of a key for some readers only', {
      hint: 'Take it out with a `replace` step.',
    });
  if (lone === -1) return;
  throw problem(source, lone, 'a carriage return without a line feed ends a line for some readers only', {
    hint: 'Change it into a line feed with a `replace` step with `regex: true`.',
  });
}

function checkErrors(source: SourceText, document: Document): void {
  const [error] = document.errors;
  if (!error) return;
  const what =
    error.message
      .split(/:?\n/, 1)[0]
      ?.replace(/ at line \d+, column \d+/, '')
      .replace(/\.$/, '') ?? error.code;
  throw problem(source, error.pos[0], `not valid YAML: ${what}`, {
    hint: 'Correct the file in an earlier step, or set `format` to what it is.',
    expected: 'YAML',
    found: what,
  });
}

function treeOf(
  source: SourceText,
  node: Node | null,
  position: number,
  inFlow: boolean,
  isInMap = false,
): Tree<YamlNode> {
  const [start = position, end = position] = node?.range ?? [];
  if (isAlias(node)) {
    return {
      kind: 'other',
      what: `the alias *${node.source}`,
      text: '',
      start,
      node: { node: undefined, isFlow: inFlow, end },
    };
  }
  if (isMap(node)) {
    const isFlow = inFlow || node.flow === true;
    const members = node.items.map(
      (pair, index) =>
        [
          keyOf(pair as Pair<Node>, index),
          treeOf(source, pair.value as Node | null, keyEnd(pair as Pair<Node>, start), isFlow, true),
        ] as const,
    );
    return { kind: 'map', members: new Map(members), start, node: { node, isFlow, end } };
  }
  if (isSeq(node)) {
    const isFlow = inFlow || node.flow === true;
    const items = node.items.map((item) => treeOf(source, item as Node | null, start, isFlow));
    return { kind: 'list', items, start, node: { node: undefined, isFlow, end } };
  }
  if (isScalar(node)) return scalarTree(source, node, start, end, inFlow);
  // `? key` and `{key}` have no place for a value; an empty document has.
  const nothing = { start, node: { node: undefined, isFlow: inFlow, end } };
  return isInMap
    ? { ...nothing, kind: 'other', what: 'a key without a colon', text: '' }
    : { ...nothing, kind: 'value', value: null };
}

function scalarTree(source: SourceText, node: Scalar, start: number, end: number, isFlow: boolean): Tree<YamlNode> {
  const { value } = node;
  const place = { start, node: { node: end > start ? node : undefined, isFlow, end } };
  const isOwnTag = node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str';
  if (
    !isOwnTag &&
    (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
  ) {
    return {
      ...place,
      kind: 'value',
      value: typeof value === 'number' && !Number.isFinite(value) ? source.text.slice(start, end) : value,
    };
  }
  return {
    ...place,
    kind: 'other',
    what: isOwnTag ? `a value with the tag ${node.tag}` : 'a value of its own kind',
    text: String(value),
  };
}

/** A key as its text: `8080` and `"8080"` are the same here. Keys that are no scalars get names that no one can write. */
function keyOf({ key }: Pair<Node>, index: number): string {
  if (isScalar(key)) return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
  if (isAlias(key)) return `*${key.source}`;
  return `\0${index}`; // not its place, which moves when something before it is set
}

function keyEnd({ key }: Pair<Node>, fallback: number): number {
  return key?.range?.[1] ?? fallback;
}
