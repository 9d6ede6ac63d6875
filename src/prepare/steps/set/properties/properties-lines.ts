import { problem, type SourceText } from '../source-text.js';

/** A key and its value as java.util.Properties reads them, and where they stand. */
export interface Property {
  key: string;
  value: string;
  start: number;
  keyEnd: number;
  /** The value's first character; where it is empty, the place for one. */
  valueStart: number;
  valueEnd: number;
  /** `=` or `:` stands before the value, not white space alone. */
  hasSign: boolean;
}

/** Characters of a logical line, each with its offset: what continuation lines leave of several natural lines. */
type Line = { char: string; at: number }[];

const isBlank = (char: string | undefined) => char === ' ' || char === '\t' || char === '\f';
const isLineEnd = (char: string | undefined) => char === '\n' || char === '\r';

/**
 * The file's properties in order, by the rules of java.util.Properties.load (its documentation says them in words). `isOpen`:
 * the text ends in a line that goes on.
 */
export function readProperties(source: SourceText): { properties: Property[]; isOpen: boolean } {
  const { text } = source;
  const properties: Property[] = [];
  let at = 0;
  let isOpen = false;
  while (at < text.length) {
    const { line, next, isOpen: goesOn } = readLine(text, at);
    if (line.length > 0) properties.push(split(source, line));
    at = next;
    isOpen = goesOn;
  }
  return { properties, isOpen };
}

function readLine(text: string, from: number): { line: Line; next: number; isOpen: boolean } {
  const line: Line = [];
  let at = from;
  for (;;) {
    while (isBlank(text[at])) at += 1;
    // Continued lines that are empty so far still count as the beginning, where a comment may be.
    if (line.length === 0 && (text[at] === '#' || text[at] === '!')) {
      while (at < text.length && !isLineEnd(text[at])) at += 1;
      return { line, next: afterLineEnd(text, at), isOpen: false };
    }
    let isEscaped = false;
    while (at < text.length && !isLineEnd(text[at])) {
      const char = text.charAt(at);
      line.push({ char, at });
      isEscaped = char === '\\' && !isEscaped;
      at += 1;
    }
    if (isEscaped) line.pop();
    const next = afterLineEnd(text, at);
    if (!isEscaped) return { line, next, isOpen: false };
    if (next >= text.length) return { line, next, isOpen: true };
    at = next;
  }
}

function afterLineEnd(text: string, at: number): number {
  if (text[at] === '\r' && text[at + 1] === '\n') return at + 2;
  return Math.min(at + 1, text.length);
}

function split(source: SourceText, line: Line): Property {
  let keyLength = 0;
  for (let isEscaped = false; keyLength < line.length; keyLength += 1) {
    const char = line[keyLength]?.char;
    if (!isEscaped && (char === '=' || char === ':' || isBlank(char))) break;
    isEscaped = char === '\\' && !isEscaped;
  }
  let valueIndex = keyLength;
  let hasSign = false;
  for (; valueIndex < line.length; valueIndex += 1) {
    const char = line[valueIndex]?.char;
    if (isBlank(char)) continue;
    if (hasSign || (char !== '=' && char !== ':')) break;
    hasSign = true;
  }
  const offset = (index: number) => line[index]?.at ?? (line.at(-1)?.at ?? 0) + 1;
  return {
    key: unescaped(source, line.slice(0, keyLength)),
    value: unescaped(source, line.slice(valueIndex)),
    start: offset(0),
    keyEnd: (line[keyLength - 1]?.at ?? offset(0) - 1) + 1,
    valueStart: offset(valueIndex),
    valueEnd: (line.at(-1)?.at ?? 0) + 1,
    hasSign,
  };
}

const NAMED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(source: SourceText, line: Line): string {
  const raw = line.map(({ char }) => char).join('');
  return raw.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex: string | undefined, char: string, index: number) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (char === 'u') throw malformedEscape(source, line[index]?.at ?? 0, raw.slice(index, index + 6));
    return NAMED[char] ?? char;
  });
}

function malformedEscape(source: SourceText, at: number, found: string) {
  return problem(source, at, `malformed escape ${found}: Java refuses the whole file for it`, {
    hint: 'Write a backslash twice to mean one, or four hex digits after \\u.',
    expected: '\\u and four hex digits',
    found,
  });
}
