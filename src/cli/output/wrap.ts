/** Breaks text at spaces into lines of at most `width` columns. A longer word (a path) is kept whole on its own line. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(width, 1)));
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    if (current === '') current = word;
    else if (current.length + 1 + word.length <= width) current += ` ${word}`;
    else {
      lines.push(current);
      current = word;
    }
  }
  return [...lines, current];
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
