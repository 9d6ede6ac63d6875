import { type Edit, type Format, insertLines, lineEnd, plainText } from '../format.js';
import type { SourceText } from '../source-text.js';
import { type Property, readProperties } from './properties-lines.js';

/**
 * Properties files, as java.util.Properties reads them. What is not ASCII is written as \uXXXX, which is right however
 * the file is read. Of a repeated key the last counts, so that is the one to change.
 */
export const properties: Format = {
  set(source, key, value) {
    const { properties, isOpen } = readProperties(source);
    const wanted = plainText(value);
    const place = { path: JSON.stringify([key]), expected: wanted };
    const property = properties.findLast((candidate) => candidate.key === key);
    if (!property) return { ...place, added: true, edits: [addition(source, properties, isOpen, key, wanted)] };
    const { valueStart: start, valueEnd, hasSign, keyEnd } = property;
    const end = Math.max(start, valueEnd);
    // A value in raw non-ASCII is one text to a reader of UTF-8 and another to one of Latin-1: written again, it is one.
    const isAscii = !/[^\0-\x7F]/.test(source.text.slice(start, end));
    if (property.value === wanted && isAscii) return { ...place, added: false, edits: [] };
    const isBare = start === keyEnd;
    const text = `${isBare ? '=' : ''}${escapeValue(wanted, hasSign || isBare)}`;
    return { ...place, added: false, edits: [{ start, end, text }] };
  },
  read: (source) => new Map(readProperties(source).properties.map(({ key, value }) => [JSON.stringify([key]), value])),
};

function addition(
  source: SourceText,
  properties: readonly Property[],
  isOpen: boolean,
  key: string,
  value: string,
): Edit {
  const { text } = source;
  const last = properties.findLast(({ valueStart, keyEnd }) => valueStart > keyEnd);
  const between = last ? text.slice(last.keyEnd, last.valueStart) : '=';
  const style = /^[ \t]{0,1}[=:][ \t]{0,1}$/.test(between) || (between === ' ' && key !== '') ? between : '=';
  const line = `${escapeKey(key)}${style}${escapeValue(value, style.trim() !== '')}`;
  const edit = insertLines(text, text.length, line);
  // A line that goes on would take ours for its rest: an empty line ends it. After a lone CR, an LF would not be one.
  return isOpen ? { ...edit, text: (text.endsWith('\r') ? '\r' : lineEnd(text)) + edit.text } : edit;
}

function escapeKey(key: string): string {
  return escapeCommon(key).replace(/[ =:]/g, '\\$&').replace(/^[#!]/, '\\$&');
}

function escapeValue(value: string, hasSign: boolean): string {
  const escaped = escapeCommon(value).replace(/^ /, '\\ ');
  return hasSign ? escaped : escaped.replace(/^[=:]/, '\\$&');
}

const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\f': '\\f' };

function escapeCommon(text: string): string {
  // By UTF-16 units, as Java's own \uXXXX are.
  return text.replace(
    /[\\\x00-\x1F\x7F-\uFFFF]/g,
    (unit) => NAMED[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
