import { type Edit, lineEndOf, type SetIn } from './edit.js';

/**
 * Properties as java.util.Properties.load reads them (its documentation): `=`, `:` or white space after the key, lines
 * continued by a backslash, `\uXXXX`, comments by `#` or `!`. Of a key that is there twice Java keeps the last, so that
 * is the one that is set.
 */
export const setInProperties: SetIn = (text, key, value) => {
  const found = entriesOf(text).findLast((entry) => entry.key === key);
  const wanted = value === null ? '' : String(value);
  if (!found) return addition(text, key, wanted);
  if (found.value === wanted) return undefined;
  // A key with nothing behind it has no separator yet.
  const separator = found.separated || wanted === '' ? '' : '=';
  return { start: found.start, end: found.end, text: separator + escapeValue(wanted) };
};

interface Entry {
  key: string;
  value: string;
  /** The value's offsets, after the separator. */
  start: number;
  end: number;
  separated: boolean;
}

/** A logical line: a natural line, and those that a backslash at the end continues it with. */
const LOGICAL_LINE = /[ \t\f]*(?:[#!][^\r\n]*|(?:\\(?:\r\n|[\s\S])|[^\r\n\\])*\\?)(?:\r\n|\r|\n|$)/y;

export function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  LOGICAL_LINE.lastIndex = text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0;
  while (LOGICAL_LINE.lastIndex < text.length) {
    const start = LOGICAL_LINE.lastIndex;
    const line = LOGICAL_LINE.exec(text)?.[0] ?? '';
    if (line === '') break;
    const entry = entryOf(line.replace(/(\r\n|\r|\n)$/, ''), start);
    if (entry) entries.push(entry);
  }
  return entries;
}

function entryOf(line: string, offset: number): Entry | undefined {
  const indent = /^[ \t\f]*/.exec(line)?.[0].length ?? 0;
  const content = line.slice(indent);
  if (content === '' || content.startsWith('#') || content.startsWith('!')) return undefined;
  const key = /^(?:\\[\s\S]|[^\\=: \t\f])*/.exec(content)?.[0] ?? '';
  // White space here may contain continued line ends.
  const separator = /^(?:[ \t\f]|\\(?:\r\n|\r|\n)[ \t\f]*)*(?:[=:](?:[ \t\f]|\\(?:\r\n|\r|\n)[ \t\f]*)*)?/.exec(content.slice(key.length))?.[0] ?? '';
  const start = indent + key.length + separator.length;
  return {
    key: unescape(key),
    value: unescape(line.slice(start)),
    start: offset + start,
    end: offset + line.length,
    separated: separator !== '',
  };
}

const ESCAPES: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(\r\n|\r|\n)[ \t\f]*|([\s\S])|$)/g, (_, hex, lineEnd, other) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (lineEnd !== undefined || other === undefined) return '';
    return ESCAPES[other] ?? other;
  });
}

function escapeValue(value: string): string {
  return escapeAll(value).replace(/^ /, '\\ ');
}

function escapeKey(key: string): string {
  return escapeAll(key).replace(/[ =:]/g, '\\$&').replace(/^[#!]/, '\\$&');
}

/** Everything but printable ASCII as `\uXXXX`: right whether the file is read as ISO-8859-1 or as UTF-8. */
function escapeAll(text: string): string {
  const names: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\f': '\\f' };
  return text.replace(/[^ -[\]-~]/g, (c) => names[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A new last line, with the separator that the file's last entry has. */
function addition(text: string, key: string, value: string): Edit {
  const lineEnd = lineEndOf(text);
  const last = entriesOf(text).at(-1);
  const separator = last ? (/[ \t]*[=:][ \t]*$/.exec(text.slice(0, last.start))?.[0] ?? '=') : '=';
  const before = text === '' || /[\r\n]$/.test(text) ? '' : lineEnd;
  return {
    start: text.length,
    end: text.length,
    text: `${before}${escapeKey(key)}${separator}${escapeValue(value)}${lineEnd}`,
    added: true,
  };
}
