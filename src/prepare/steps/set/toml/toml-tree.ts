import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import type { Tree } from '../document-tree.js';
import { problem, type SourceText } from '../source-text.js';

/** Where a value or a table is written, which says where more can be. */
export type TomlNode =
  | { kind: 'content'; content: AST.TOMLContentNode }
  /** The lines before the first table, or those of `[table]` or of an item of `[[table]]`. */
  | { kind: 'table'; table: AST.TOMLTopLevelTable | AST.TOMLTable; names: readonly string[] }
  /** A table that only a dotted key makes: `last` is the line with such a key, `depth` how many names of it lead here. */
  | { kind: 'dotted'; last: AST.TOMLKeyValue; depth: number }
  /** A table that only the header of a table in it makes. */
  | { kind: 'implied'; names: readonly string[]; inList: boolean };

type MutableTree = { node: TomlNode; start: number } & (
  | { kind: 'map'; members: Map<string, MutableTree> }
  | { kind: 'list'; items: MutableTree[] }
  | Extract<Tree<TomlNode>, { kind: 'value' | 'other' }>
);
type Table = MutableTree & { kind: 'map' };

/** @throws STEP_INVALID */
export function readToml(source: SourceText): Tree<TomlNode> {
  const [top] = parse(source).body;
  const root: Table = { kind: 'map', members: new Map(), start: 0, node: { kind: 'table', table: top, names: [] } };
  for (const item of top.body) {
    if (item.type === 'TOMLKeyValue') putKeyValue(root, item);
    else putTable(root, item);
  }
  return root;
}

function parse(source: SourceText): AST.TOMLProgram {
  const lone = source.text.search(/\r(?!\n)/);
  if (lone !== -1) throw invalid(source, lone, 'a carriage return without a line feed');
  try {
    return parseTOML(source.text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw invalid(source, error.index, error.message);
  }
}

function invalid(source: SourceText, index: number, found: string): Error {
  return problem(source, index, `not valid TOML: ${found.replace(/\.$/, '')}`, {
    hint: 'Correct the file in an earlier step, or set `format` to what it is.',
    expected: 'TOML',
    found,
  });
}

/** A header's table: its parents are made as they are met, and lists stand for their last item. */
function putTable(root: Table, table: AST.TOMLTable): void {
  const names = namesOf(table.key);
  let parent = root;
  let inList = false;
  for (const [index, name] of names.slice(0, -1).entries()) {
    const child: MutableTree =
      parent.members.get(name) ??
      addTable(parent, name, table.range[0], { kind: 'implied', names: names.slice(0, index + 1), inList });
    inList ||= child.kind === 'list';
    parent = tableIn(child);
  }
  const name = names.at(-1) ?? '';
  const node: TomlNode = { kind: 'table', table, names };
  const start = table.range[0];
  const existing = parent.members.get(name);
  if (table.kind === 'array') {
    const item: Table = { kind: 'map', members: new Map(), start, node };
    if (existing?.kind === 'list') existing.items.push(item);
    else parent.members.set(name, { kind: 'list', items: [item], start, node });
    for (const keyValue of table.body) putKeyValue(item, keyValue);
    return;
  }
  const target = existing ? tableIn(existing) : addTable(parent, name, start, node);
  target.node = node;
  for (const keyValue of table.body) putKeyValue(target, keyValue);
}

function putKeyValue(table: Table, keyValue: AST.TOMLKeyValue): void {
  const names = namesOf(keyValue.key);
  let parent = table;
  for (const [index, name] of names.slice(0, -1).entries()) {
    const node: TomlNode = { kind: 'dotted', last: keyValue, depth: index + 1 };
    const child = parent.members.get(name);
    parent = child ? tableIn(child) : addTable(parent, name, keyValue.range[0], node);
    if (parent.node.kind === 'dotted') parent.node = node;
  }
  parent.members.set(names.at(-1) ?? '', contentTree(keyValue.value));
}

function contentTree(content: AST.TOMLContentNode): MutableTree {
  const place = { start: content.range[0], node: { kind: 'content', content } as const };
  switch (content.type) {
    case 'TOMLArray':
      return { ...place, kind: 'list', items: content.elements.map(contentTree) };
    case 'TOMLInlineTable': {
      const table: Table = { ...place, kind: 'map', members: new Map() };
      for (const keyValue of content.body) putKeyValue(table, keyValue);
      return table;
    }
    case 'TOMLValue':
      switch (content.kind) {
        case 'string':
        case 'boolean':
          return { ...place, kind: 'value', value: content.value };
        case 'integer':
        case 'float':
          // Infinite, not a number, or an integer that a double cannot hold: as it is written.
          if (Number.isFinite(content.value) && (content.kind === 'float' || Number.isSafeInteger(content.value))) {
            return { ...place, kind: 'value', value: content.value };
          }
          return { ...place, kind: 'value', value: `\0${content.number}` };
        default:
          return { ...place, kind: 'other', what: 'a date or a time', text: content.datetime };
      }
  }
}

function addTable(parent: Table, name: string, start: number, node: TomlNode): Table {
  const table: Table = { kind: 'map', members: new Map(), start, node };
  parent.members.set(name, table);
  return table;
}

function tableIn(tree: MutableTree): Table {
  const table = tree.kind === 'list' ? tree.items.at(-1) : tree;
  if (table?.kind !== 'map') throw new Error('the TOML parser let a value be used as a table');
  return table;
}

function namesOf(key: AST.TOMLKey): string[] {
  return key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
}
