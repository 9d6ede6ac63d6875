import type { AST } from 'toml-eslint-parser';
import { checkIsValue, locate, readTrees } from '../document-tree.js';
import { type Edit, type Format, insertLines, lineEnd, nextLine } from '../format.js';
import type { SetValue } from '../set-format.js';
import { problem, type SourceText } from '../source-text.js';
import { keyText, valueText } from './toml-string.js';
import { readToml, type TomlNode } from './toml-tree.js';

/** TOML 1.0. Dates are not set: a step has no dates, and a string would be another type. */
export const toml: Format = {
  set(source, key, value) {
    const { path, tree, missing } = locate(source, [readToml(source)], key);
    if (value === null) throw noNull(source, key, tree.start);
    const expected = JSON.stringify(value);
    if (missing.length > 0)
      return { path, expected, added: true, edits: [addition(source, key, tree.node, missing, value)] };
    checkIsValue(source, key, tree);
    if (tree.value === value || tree.node.kind !== 'content') return { path, expected, added: false, edits: [] };
    const { content } = tree.node;
    const [start, end] = content.range;
    return {
      path,
      expected,
      added: false,
      edits: [{ start, end, text: valueText(value, content, lineEnd(source.text)) }],
    };
  },
  read: (source) => readTrees([readToml(source)]),
};

function noNull(source: SourceText, key: string, at: number) {
  return problem(source, at, `TOML has no null to set ${key} to`, {
    hint: 'Give another value, or take the line out with a `replace` or `patch` step.',
    key,
    found: 'null',
  });
}

function addition(
  source: SourceText,
  key: string,
  node: TomlNode,
  missing: readonly string[],
  value: Exclude<SetValue, null>,
): Edit {
  const { text } = source;
  const written = valueText(value, undefined, lineEnd(text));
  const dotted = missing.map(keyText).join('.');
  switch (node.kind) {
    case 'content':
      return intoInline(source, key, node.content, `${dotted} = ${written}`);
    case 'dotted': {
      const [first, last] = [node.last.key.keys[0], node.last.key.keys[node.depth - 1]];
      const prefix = text.slice(first?.range[0], last?.range[1]);
      return afterLine(source, node.last, `${prefix}.${dotted}`, written);
    }
    case 'implied':
      if (node.inList) throw inListItem(source, key);
      return newTable(text, [...node.names, ...missing], written);
    case 'table': {
      const { table } = node;
      const isRoot = table.type === 'TOMLTopLevelTable';
      if (isRoot && missing.length > 1) return newTable(text, missing, written);
      const lines: readonly (AST.TOMLKeyValue | AST.TOMLTable)[] = table.body;
      const last = lines.findLast((item) => item.type === 'TOMLKeyValue');
      if (last) return afterLine(source, last, dotted, written);
      return insertLines(text, isRoot ? 0 : nextLine(text, table.key.range[1]), `${dotted} = ${written}`);
    }
  }
}

/** A line after another one, with its indentation and its `=`. */
function afterLine({ text }: SourceText, model: AST.TOMLKeyValue, key: string, value: string): Edit {
  const isInline = model.parent.type === 'TOMLInlineTable';
  const [start, end] = model.range;
  if (isInline) return { start: end, end, text: `, ${key} = ${value}` };
  const indent = /[ \t]*$/.exec(text.slice(0, start))?.[0] ?? '';
  const sign = text.slice(model.key.range[1], model.value.range[0]).replace(/[ \t]+/g, ' ');
  return insertLines(text, nextLine(text, end), `${indent}${key}${sign}${value}`);
}

function intoInline(source: SourceText, key: string, content: AST.TOMLContentNode, member: string): Edit {
  if (content.type !== 'TOMLInlineTable') throw inListItem(source, key);
  const end = content.body.at(-1)?.range[1];
  if (end !== undefined) return { start: end, end, text: `, ${member}` };
  return { start: content.range[0], end: content.range[1], text: `{ ${member} }` };
}

function newTable(text: string, names: readonly string[], value: string): Edit {
  const eol = lineEnd(text);
  const header = names.slice(0, -1).map(keyText).join('.');
  const blank = text.trim() === '' || /(?:^|\n)\r?\n$/.test(text) ? '' : eol;
  return insertLines(text, text.length, `${blank}[${header}]${eol}${keyText(names.at(-1) ?? '')} = ${value}`);
}

function inListItem(source: SourceText, key: string) {
  return problem(
    source,
    undefined,
    `${key} cannot be added: its table would have to be written inside of a list's item`,
    {
      hint: 'Add it with a `patch` or `replace` step.',
      key,
    },
  );
}
