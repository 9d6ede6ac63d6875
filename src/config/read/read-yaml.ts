import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { type KeyPath, lineAt, type Position, positionOf, type SourceFile } from './source-file.js';
import { syntaxError } from './syntax-error.js';

/** YAML 1.2, with `<<` merges, and with positions. @throws CONFIG_SYNTAX */
export function readYaml(file: string, text: string): SourceFile {
  const document = parseDocument(text, { merge: true, prettyErrors: false });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault) {
    if (fault.code === 'MULTIPLE_DOCS') {
      const what = 'not valid YAML: a configuration is one document, and a second begins here';
      throw syntaxError(file, lineAt(text, fault.pos[0]), what, 'Remove the line --- and what is not of this project.');
    }
    const [first = ''] = fault.message.split('\n');
    throw syntaxError(file, lineAt(text, fault.pos[0]), `not valid YAML: ${lowerFirst(first)}`, hintOf(fault.code));
  }
  return {
    data: dataOf(document, file, text),
    locate: (path) => locate(document, text, path),
    find: (path, excerpt) => find(document, text, path, excerpt),
    problems: changedNumbers(document),
  };
}

function dataOf(document: Document, file: string, text: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    // An alias without its anchor, or aliases that multiply (a "billion laughs").
    const message = cause instanceof Error ? cause.message : String(cause);
    throw syntaxError(
      file,
      lineOfLostAlias(document, text),
      `not valid YAML: ${lowerFirst(message)}`,
      'Write the value out where the alias is.',
      cause,
    );
  }
}

function lineOfLostAlias(document: Document, text: string): number | undefined {
  let line: number | undefined;
  visit(document, {
    Alias(_, node) {
      if (node.resolve(document)) return undefined;
      line = lineAt(text, rangeStart(node) ?? 0);
      return visit.BREAK;
    },
  });
  return line;
}

function hintOf(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'Keep one of the two.';
  if (code === 'TAB_AS_INDENT') return 'Indent with spaces: YAML allows no tabs there.';
  return 'Correct the syntax there, or just before. Text with special characters needs quotes.';
}

function locate(document: Document, text: string, path: KeyPath): number | undefined {
  const { offset } = walked(document, path);
  return offset === undefined ? undefined : lineAt(text, offset);
}

/** An alias is written elsewhere. */
function find(document: Document, text: string, path: KeyPath, excerpt: string): Position | undefined {
  const { node, offset, isThere } = walked(document, path);
  if (!isThere) return undefined;
  for (const value of [node, resolveAlias(document, node)]) {
    const [start, end] = (value as Node | null | undefined)?.range ?? [];
    if (start === undefined || end === undefined) continue;
    const position = positionOf(text, [value === node ? (offset ?? start) : start, end], excerpt);
    if (position) return position;
  }
  return undefined;
}

/** What is at a path, or the nearest above it, and where its key or item begins. */
function walked(document: Document, path: KeyPath): { node: unknown; offset: number | undefined; isThere: boolean } {
  let node: unknown = document.contents;
  let offset = rangeStart(node);
  for (const step of path) {
    const child: { node: unknown; at: unknown } | undefined = childOf(document, resolveAlias(document, node), step);
    if (!child) return { node, offset, isThere: false };
    node = child.node;
    offset = rangeStart(child.at) ?? offset;
  }
  return { node, offset, isThere: true };
}

function childOf(document: Document, node: unknown, step: string | number): { node: unknown; at: unknown } | undefined {
  if (isSeq(node))
    return typeof step === 'number' && step in node.items
      ? { node: node.items[step], at: node.items[step] }
      : undefined;
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => keyText(item) === String(step));
  if (pair) return { node: pair.value, at: pair.key };
  for (const item of node.items) {
    if (keyText(item) !== '<<') continue;
    const merged = resolveAlias(document, item.value);
    const found = isSeq(merged)
      ? merged.items.map((each) => childOf(document, resolveAlias(document, each), step)).find((each) => each)
      : childOf(document, merged, step);
    if (found) return found;
  }
  return undefined;
}

function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}

function resolveAlias(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function rangeStart(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/**
 * Numbers that YAML would write differently: a version `1.10` is read as 1.1, a mode `0755` as 755. Used as text they
 * would arrive changed, and nobody would be told.
 */
function changedNumbers(document: Document): SourceFile['problems'] {
  const problems: SourceFile['problems'] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (
        key === 'key' ||
        typeof node.value !== 'number' ||
        node.source === undefined ||
        String(node.value) === node.source
      )
        return;
      problems.push({
        path: pathOf([...ancestors, node]),
        expected: `quotes ('${node.source}') or the number ${node.value}`,
        found: `${node.source}, which YAML reads as ${node.value}`,
      });
    },
  });
  return problems;
}

function pathOf(chain: readonly unknown[]): KeyPath {
  const path: (string | number)[] = [];
  chain.forEach((node, i) => {
    if (isPair(node)) path.push(keyText(node) ?? '?');
    else if (isSeq(node)) path.push(node.items.indexOf(chain[i + 1]));
  });
  return path;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
