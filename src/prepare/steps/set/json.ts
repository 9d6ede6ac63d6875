import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { checkIsValue, locate, readTrees, type Tree } from './document-tree.js';
import { type Edit, type Format, lineEnd } from './format.js';
import { problem, type SourceText } from './source-text.js';

/** JSON, with the comments and trailing commas that configuration files have. Of a repeated name the last counts. */
export const json: Format = {
  set(source, key, value) {
    const { path, tree, parents, missing } = locate(source, [parse(source)], key);
    const expected = JSON.stringify(value);
    if (missing.length > 0) {
      const edits = addMember(source, key, tree.node, parents.at(-1)?.node, missing, expected);
      return { path, expected, added: true, edits };
    }
    checkIsValue(source, key, tree);
    const { offset, length } = tree.node;
    const edits =
      JSON.stringify(tree.value) === expected ? [] : [{ start: offset, end: offset + length, text: expected }];
    return { path, expected, added: false, edits };
  },
  read: (source) => readTrees([parse(source)]),
};

function parse(source: SourceText): Tree<Node> {
  const faults: ParseError[] = [];
  const root = parseTree(source.text, faults, { allowTrailingComma: true });
  const [fault] = faults;
  if (root && !fault) return treeOf(root);
  const what = fault
    ? printParseErrorCode(fault.error)
        .replace(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase()
    : 'it is empty';
  throw problem(source, fault?.offset ?? 0, `not valid JSON: ${what}`, {
    hint: 'Correct the file in an earlier step, or set `format` to what it is.',
    expected: 'JSON',
    found: what,
  });
}

function treeOf(node: Node): Tree<Node> {
  const place = { node, start: node.offset };
  switch (node.type) {
    case 'object': {
      const members = (node.children ?? []).flatMap(({ children: [name, value] = [] }) =>
        name && value ? [[String(name.value), treeOf(value)] as const] : [],
      );
      return { ...place, kind: 'map', members: new Map(members) };
    }
    case 'array':
      return { ...place, kind: 'list', items: (node.children ?? []).map(treeOf) };
    default:
      return { ...place, kind: 'value', value: node.value };
  }
}

function addMember(
  source: SourceText,
  key: string,
  parent: Node,
  grandparent: Node | undefined,
  names: readonly string[],
  value: string,
): Edit[] {
  if (parent.type !== 'object') {
    throw problem(source, parent.offset, `what ${key} should be added to is ${parent.type}, not an object`, {
      hint: 'Change it with a `replace` step first.',
      key,
      expected: 'an object',
      found: parent.type,
    });
  }
  const { text } = source;
  const last = parent.children?.at(-1);
  const style = styleOf(text, parent, grandparent);
  const member = memberText(names, value, style);
  if (!last) return [fillEmpty(text, parent, member, style)];
  const end = last.offset + last.length;
  if (!style.isSpread) return [{ start: end, end, text: `${separator(text, parent)}${member}` }];
  const comma = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*,/.exec(text.slice(end, parent.offset + parent.length))?.[0];
  const afterComma = end + (comma?.length ?? 0);
  // What is said about the last member on its line stays beside it.
  const remark = /^(?:[ \t]*(?:\/\*[^\n]*?\*\/|\/\/[^\r\n]*))*/.exec(text.slice(afterComma))?.[0].length ?? 0;
  const place = afterComma + remark;
  const line = { start: place, end: place, text: `${style.eol}${style.indent}${member}${comma ? ',' : ''}` };
  return comma || remark > 0
    ? [...(comma ? [] : [{ start: end, end, text: ',' }]), line]
    : [{ ...line, text: `,${line.text}` }];
}

interface Style {
  /** Members stand on lines of their own. */
  isSpread: boolean;
  eol: string;
  indent: string;
  outerIndent: string;
  unit: string;
  colon: string;
}

function styleOf(text: string, parent: Node, grandparent: Node | undefined): Style {
  const outerIndent = indentAt(text, parent.offset);
  const first = parent.children?.[0];
  const model = first ?? grandparent?.children?.[0];
  const colon =
    first?.children?.[1] && first.colonOffset !== undefined
      ? text.slice(first.colonOffset, first.children[1].offset)
      : ': ';
  const isSpread = first
    ? isFirstOnLine(text, first.offset)
    : text.slice(0, parent.offset + parent.length).includes('\n');
  const modelIndent = model && isFirstOnLine(text, model.offset) ? indentAt(text, model.offset) : undefined;
  const base = first ? outerIndent : grandparent ? indentAt(text, grandparent.offset) : '';
  const isDeeper = modelIndent?.startsWith(base) && modelIndent.length > base.length;
  const unit = isDeeper && modelIndent ? modelIndent.slice(base.length) : '  ';
  const indent = first && modelIndent !== undefined ? modelIndent : outerIndent + unit;
  return {
    isSpread,
    eol: lineEnd(text),
    indent,
    outerIndent,
    unit,
    colon: /^:\s*$/.test(colon) && !colon.includes('\n') ? colon : ': ',
  };
}

function memberText(names: readonly string[], value: string, style: Style): string {
  const [name = '', ...inner] = names;
  if (inner.length === 0) return `${JSON.stringify(name)}${style.colon}${value}`;
  const deeper = { ...style, indent: style.indent + style.unit };
  const content = memberText(inner, value, deeper);
  const object = style.isSpread
    ? `{${style.eol}${deeper.indent}${content}${style.eol}${style.indent}}`
    : `{${content}}`;
  return `${JSON.stringify(name)}${style.colon}${object}`;
}

function fillEmpty(text: string, parent: Node, member: string, style: Style): Edit {
  const end = parent.offset + parent.length - 1;
  const inner = text.slice(parent.offset + 1, end);
  const start = parent.offset + 1 + inner.trimEnd().length;
  const isSpread = style.isSpread || inner.trim() !== '';
  return {
    start,
    end,
    text: isSpread ? `${style.eol}${style.indent}${member}${style.eol}${style.outerIndent}` : member,
  };
}

/** What stands between two members of a line. */
function separator(text: string, { children = [] }: Node): string {
  const [first, second] = children;
  const between = first && second ? text.slice(first.offset + first.length, second.offset) : '';
  return /^,[ \t]*$/.test(between) ? between : ', ';
}

function lineStart(text: string, position: number): number {
  return text.lastIndexOf('\n', position - 1) + 1;
}

function isFirstOnLine(text: string, position: number): boolean {
  return text.slice(lineStart(text, position), position).trim() === '' && lineStart(text, position) > 0;
}

function indentAt(text: string, position: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, position)))?.[0] ?? '';
}
