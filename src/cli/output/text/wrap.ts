import { stripVTControlCharacters } from 'node:util';

/** Columns, without what only marks the text. */
function columnsOf(text: string): number {
  return text.includes('\u001b') ? stripVTControlCharacters(text).length : text.length;
}

/** Breaks text at spaces into lines of at most `width` columns. A longer word (a path) is kept whole on its own line. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(width, 1)));
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = [];
  const [first = '', ...words] = line.split(' ');
  let current = first;
  for (const word of words) {
    if (columnsOf(current) + 1 + columnsOf(word) <= width) current += ` ${word}`;
    else {
      lines.push(current);
      current = word;
    }
  }
  return [...lines, current];
}

/** A line as it is where it fits; else broken, with what follows set in by two more. */
export function folded(line: string, width: number): string[] {
  if (columnsOf(line) <= width) return [line];
  const indent = /^ */.exec(line)?.[0] ?? '';
  const [first = '', ...rest] = wrap(line.slice(indent.length), width - indent.length - 2);
  return [indent + first, ...rest.map((text) => `${indent}  ${text}`)].map((text) => text.trimEnd());
}

/** Text under a label or a mark: the first line after `first`, the others under it. */
export function hanging(first: string, text: string, width: number): string[] {
  const indent = ' '.repeat(first.length);
  return wrap(text, width - first.length).map((line, i) => `${i === 0 ? first : indent}${line}`.trimEnd());
}

/** At most `width` columns; what is cut off is marked. */
export function truncate(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 1 ? text.slice(0, Math.max(width, 0)) : `${text.slice(0, width - 1)}~`;
}

/** A name in at most `width` columns. Names of one kind often differ at their ends, so it is the middle that goes. */
export function shortenName(name: string, width: number): string {
  if (name.length <= width || width < 5) return truncate(name, width);
  const end = Math.floor((width - 1) / 2);
  return `${name.slice(0, width - 1 - end)}~${name.slice(-end)}`;
}
