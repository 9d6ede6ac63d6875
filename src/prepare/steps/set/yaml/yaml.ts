import { isMap, isScalar, isSeq, type Node, Scalar, type YAMLMap } from 'yaml';
import { checkIsValue, locate, type Place, readTrees, type Tree } from '../document-tree.js';
import { type Edit, type Format, insertLines, lineEnd, nextLine } from '../format.js';
import type { SetValue } from '../set-format.js';
import { problem, type SourceText } from '../source-text.js';
import { blockLiteral, isPlain, keyText, readsAsNumber, scalarText } from './yaml-scalar.js';
import { readYaml, type YamlNode } from './yaml-tree.js';

/**
 * YAML. A value with an anchor keeps it, so that its aliases follow; what stands as an alias is not changed through it.
 * Strings are written so that readers of YAML 1.1 and 1.2 take them for strings.
 */
export const yaml: Format = {
  set(source, key, value) {
    const documents = readYaml(source);
    const found = locate(source, documents, key);
    const { path, tree, missing } = found;
    const expected = JSON.stringify(value);
    if (missing.length > 0) {
      const edit = addition(source, documents, found, key, value);
      refuseOpenBlock(source, documents, key, edit);
      return { path, expected, added: true, edits: [edit] };
    }
    checkIsValue(source, key, tree);
    checkTag(source, key, tree, value);
    return { path, expected, added: false, edits: isSame(tree, value) ? [] : [replacement(source, tree, value)] };
  },
  read: (source) => readTrees(readYaml(source)),
};

type Value = Tree<YamlNode> & { kind: 'value' };

/**
 * A plain `yes` is text here and true to readers of YAML 1.1: not the same as the string yes, until it is quoted. Nor is
 * `010` the number 10.
 */
function isSame({ value: old, node: { node, isFlow } }: Value, value: SetValue): boolean {
  if (old !== value) return false;
  if (typeof value === 'number') return !isScalar(node) || readsAsNumber(node.source ?? '', value);
  return (
    typeof old !== 'string' ||
    !isScalar(node) ||
    node.type !== Scalar.PLAIN ||
    old.includes('\n') ||
    isPlain(old, isFlow)
  );
}

function checkTag(source: SourceText, key: string, { node: { node }, start }: Value, value: SetValue): void {
  if (node?.tag === undefined || typeof value === 'string') return;
  throw problem(
    source,
    start,
    `${key} has the tag !!str, and the value is ${value === null ? 'null' : `a ${typeof value}`}`,
    {
      hint: 'Put the value in quotes in the step, to make it text.',
      key,
      expected: 'text',
      found: JSON.stringify(value),
    },
  );
}

function replacement({ text }: SourceText, { start, node: { node, isFlow, end } }: Value, value: SetValue): Edit {
  if (!isScalar(node)) {
    const place = text.slice(0, start).replace(/[ \t]+$/, '').length;
    return { start: place, end: place, text: ` ${scalarText(value, { isFlow, style: undefined })}` };
  }
  const old = text.slice(start, end);
  const isBlock = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
  const block = isBlock && typeof value === 'string' ? blockLiteral(old, value, lineEnd(text)) : undefined;
  if (block !== undefined) return { start, end, text: block };
  const line = scalarText(value, { isFlow, style: node.type });
  return { start, end, text: isBlock && old.endsWith('\n') ? line + lineEnd(old) : line };
}

function addition(
  source: SourceText,
  documents: readonly Tree<YamlNode>[],
  place: Place<YamlNode>,
  key: string,
  value: SetValue,
): Edit {
  const { text } = source;
  const { tree, parents, missing } = place;
  const { node, isFlow, end } = tree.node;
  if (isFlow && isMap(node)) {
    const edit = flowAddition(text, node, end, missing, value);
    // The parser takes it there after a key alone, and not after a value.
    if (/^[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*#/.test(text.slice(edit.start)))
      throw problem(
        source,
        edit.start,
        `${key} should be added before a comment at the beginning of a line in braces`,
        {
          hint: 'Indent the comment first, or add the key, with a `replace` step.',
          key,
        },
      );
    return edit;
  }
  if (isMap(node) && hasExplicitKey(node)) {
    throw problem(
      source,
      tree.start,
      `${key} should be added to a map with keys that are written with a question mark`,
      {
        hint: 'Add it with a `replace` or `patch` step.',
        key,
      },
    );
  }
  const unit = unitOf(documents) ?? '  ';
  if (isMap(node)) {
    return insertLines(
      text,
      lineAfter(text, contentEnd(node) ?? end),
      nested(text, ' '.repeat(columnOf(text, node)), unit, missing, value),
    );
  }
  const parent = parents.at(-1)?.node.node;
  if (isFlow || node !== undefined || (parents.length > 0 ? !isMap(parent) : !isBlank(text))) {
    throw problem(source, tree.start, `what ${key} should be added to is null, not a map`, {
      hint: 'Change it with a `replace` step first.',
      key,
      expected: 'a map',
      found: 'null',
    });
  }
  const indent = isMap(parent) ? ' '.repeat(columnOf(text, parent)) + unit : '';
  return insertLines(text, lineAfter(text, tree.start), nested(text, indent, unit, missing, value));
}

/** A block without a line end at the end of the file has none in its value to most readers; a line after it would add one. */
function refuseOpenBlock(source: SourceText, documents: readonly Tree<YamlNode>[], key: string, { start }: Edit): void {
  const { text } = source;
  if (start < text.length || /[\r\n]$/.test(text)) return;
  const last = documents.flatMap((tree) => [...values(tree)]).findLast(({ node }) => node.end === text.length);
  const block = last && /^[|>][^\r\n]*/.exec(text.slice(last.start))?.[0];
  if (last === undefined || !block || /^.\d?-/.test(block)) return;
  throw problem(source, last.start, `${key} should be added after a block of lines that ends without a line end`, {
    hint: 'End the file with a line end, or the block with `|-`, with a `replace` step before.',
    key,
  });
}

function* values(tree: Tree<YamlNode>): Generator<Tree<YamlNode>> {
  if (tree.kind === 'map') for (const member of tree.members.values()) yield* values(member);
  else if (tree.kind === 'list') for (const item of tree.items) yield* values(item);
  else yield tree;
}

function hasExplicitKey({ srcToken }: YAMLMap): boolean {
  if (srcToken?.type !== 'block-map') return false;
  return srcToken.items.some(({ start }) => start.some(({ type }) => type === 'explicit-key-ind'));
}

/** Whether a text has comments and document marks alone. */
function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^(?:---)?\s*(?:#.*)?$/.test(line));
}

/** `a:`, and in it `b:`, and in that `c: value`, each on its line. */
function nested(text: string, indent: string, unit: string, names: readonly string[], value: SetValue): string {
  const last = names.length - 1;
  const lines = names.map((name, depth) => {
    const rest = depth === last ? ` ${scalarText(value, { isFlow: false, style: undefined })}` : '';
    return `${indent}${unit.repeat(depth)}${keyText(name, false)}:${rest}`;
  });
  return lines.join(lineEnd(text));
}

function flowAddition(text: string, node: YAMLMap, end: number, names: readonly string[], value: SetValue): Edit {
  const closing = names.length - 1;
  const keys = names.map((name) => keyText(name, true)).join(': {');
  // A quoted key may have its value without white space between in JSON; a space is right in both.
  const member = `${keys}: ${scalarText(value, { isFlow: true, style: undefined })}${'}'.repeat(closing)}`;
  const last = node.items.at(-1);
  const lastEnd = contentEnd(node);
  // Before a comment, the range of a plain scalar goes on to the next line.
  const at = lastEnd === undefined ? undefined : text.slice(0, lastEnd).trimEnd().length;
  if (!last || at === undefined) return { start: end - 1, end: end - 1, text: member };
  const isSpread = /[\r\n][ \t]*$/.test(text.slice(0, startOf(last.key as Node) ?? 0));
  const before = isSpread ? `,${lineEnd(text)}${' '.repeat(columnAt(text, startOf(last.key as Node) ?? 0))}` : ', ';
  return { start: at, end: at, text: `${before}${member}` };
}

/** Where the text of a collection's last value ends; comments and blank lines after it are not of it. */
function contentEnd(node: Node | null): number | undefined {
  const isBlockCollection = (isMap(node) || isSeq(node)) && node.flow !== true;
  if ((isMap(node) || isSeq(node)) && (isBlockCollection || node.items.length > 0)) {
    const last: unknown = node.items.at(-1);
    const pair = last as { key?: Node | null; value?: Node | null } | undefined;
    const inner = isMap(node) ? (pair?.value ?? pair?.key ?? null) : (last as Node | null);
    const isFlowInner = (isMap(inner) || isSeq(inner)) && inner.flow === true;
    return isFlowInner ? inner.range?.[1] : contentEnd(inner);
  }
  return node?.range?.[1];
}

/** The beginning of the line after a position; a block scalar ends there already. */
function lineAfter(text: string, position: number): number {
  return position > 0 && text.charAt(position - 1) === '\n' ? position : nextLine(text, position);
}

function columnOf(text: string, node: YAMLMap): number {
  const token = node.srcToken;
  if (token && 'indent' in token && token.type === 'block-map') return token.indent;
  return columnAt(text, startOf(node.items[0]?.key as Node) ?? 0);
}

function columnAt(text: string, position: number): number {
  return position - (text.lastIndexOf('\n', position - 1) + 1);
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}

/** How far the file indents a map in a map. */
function unitOf(documents: readonly Tree<YamlNode>[]): string | undefined {
  for (const tree of documents) {
    if (tree.kind !== 'map') continue;
    const outer = blockIndent(tree);
    for (const child of tree.members.values()) {
      const inner = blockIndent(child);
      if (outer !== undefined && inner !== undefined && inner > outer) return ' '.repeat(inner - outer);
    }
    const deeper = unitOf([...tree.members.values()]);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

function blockIndent({ node: { node } }: Tree<YamlNode>): number | undefined {
  const token = isMap(node) ? node.srcToken : undefined;
  return token?.type === 'block-map' ? token.indent : undefined;
}
