import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { type Literal, type Member, placesIn } from './literal.js';
import { lineAt, type SourceFile } from './source-file.js';
import { syntaxError } from './syntax-error.js';

/** Strict JSON (RFC 8259), with positions. @throws CONFIG_SYNTAX */
export function readJson(file: string, text: string): SourceFile {
  const faults: ParseError[] = [];
  const root = parseTree(text, faults, { disallowComments: true, allowTrailingComma: false });
  const [fault] = faults;
  if (fault || !root) throw faultError(file, text, fault);
  const duplicate = findDuplicate(root);
  if (duplicate) {
    throw syntaxError(
      file,
      lineAt(text, duplicate.offset),
      `the key "${duplicate.value}" is there twice`,
      'Keep one of the two.',
    );
  }
  return { data: dataOf(root), ...placesIn(text, memberOf(root, root)), problems: [] };
}

function faultError(file: string, text: string, fault: ParseError | undefined) {
  const line = lineAt(text, fault?.offset ?? 0);
  const name = fault ? printParseErrorCode(fault.error) : 'ValueExpected';
  if (name === 'InvalidCommentToken') {
    return syntaxError(
      file,
      line,
      'JSON has no comments',
      'Remove the comment, or rename the file to prestage.config.yaml: YAML takes JSON with # comments.',
    );
  }
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return syntaxError(file, line, `not valid JSON: ${words}`, 'Correct the syntax there, or just before.');
}

function findDuplicate(node: Node): Node | undefined {
  const seen = new Set<unknown>();
  for (const child of node.children ?? []) {
    const key = node.type === 'object' ? child.children?.[0] : undefined;
    if (key && seen.has(key.value)) return key;
    if (key) seen.add(key.value);
    const deeper = findDuplicate(child);
    if (deeper) return deeper;
  }
  return undefined;
}

/** With a key `__proto__` as one of its own, so that it is seen and refused. */
function dataOf(node: Node): unknown {
  const children = node.children ?? [];
  if (node.type === 'array') return children.map(dataOf);
  if (node.type !== 'object') return node.value;
  return Object.fromEntries(
    children.flatMap(({ children: [key, value] = [] }) => (key && value ? [[String(key.value), dataOf(value)]] : [])),
  );
}

/** `at` is what has its key as well. */
function memberOf(node: Node, at: Node): Member {
  return { offset: at.offset, end: at.offset + at.length, value: literalOf(node) };
}

function literalOf(node: Node): Literal {
  const children = node.children ?? [];
  if (node.type === 'array') return { kind: 'array', items: children.map((child) => memberOf(child, child)) };
  if (node.type !== 'object') return { kind: 'other' };
  const members = new Map<string, Member>();
  for (const property of children) {
    const [key, value] = property.children ?? [];
    if (key && value) members.set(String(key.value), memberOf(value, property));
  }
  return { kind: 'object', members };
}
