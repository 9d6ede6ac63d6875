import type { SourceText } from '../source-text.js';

/** A `key = value` of an ini file. Offsets are in the text. */
export interface IniEntry {
  kind: 'entry';
  section: string;
  key: string;
  start: number;
  keyEnd: number;
  /** undefined: the key stands alone, without `=` or `:`. */
  valueStart: number | undefined;
  /** The end of the value's first line, without white space and a comment after it. */
  valueEnd: number;
  /** Where the entry's last line ends, without its line end. */
  end: number;
  indent: string;
  /** Lines that are indented more: parts of the value to some readers. Without blank ones and comments. */
  more: { start: number; end: number; text: string }[];
}

export interface IniSection {
  kind: 'section';
  name: string;
  start: number;
  end: number;
}

export type IniItem = IniEntry | IniSection;

const isComment = (line: string) => /^\s*[;#]/.test(line);

/** An ini file's sections and entries, in order; lines that are blank or comments are in none of them. */
export function readIni({ text }: SourceText): IniItem[] {
  const items: IniItem[] = [];
  let section = '';
  for (const { start, line } of linesIn(text)) {
    if (line.trim() === '' || isComment(line)) continue;
    const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
    const end = start + line.trimEnd().length;
    const last = items.at(-1);
    if (last?.kind === 'entry' && indent.length > last.indent.length) {
      last.more.push({ start, end, text: line.trim() });
      last.end = end;
      continue;
    }
    const header = /^[ \t]*\[(.*?)\][ \t]*(?:[;#].*)?$/.exec(line);
    if (header) {
      section = header[1] ?? '';
      items.push({ kind: 'section', name: section, start, end });
    } else {
      items.push(entryOf(section, line, start, indent));
    }
  }
  return items;
}

function entryOf(section: string, line: string, start: number, indent: string): IniEntry {
  const end = start + line.trimEnd().length;
  const [, key = '', between] = /^[ \t]*([^=:]*?)([ \t]*[=:][ \t]*|[ \t]*$)/.exec(line) ?? [];
  const keyStart = start + indent.length;
  const keyEnd = keyStart + key.length;
  const place = { kind: 'entry', section, key, start: keyStart, keyEnd, end, indent, more: [] } as const;
  if (!between || !/[=:]/.test(between)) return { ...place, more: [], valueStart: undefined, valueEnd: keyEnd };
  const valueStart = Math.min(keyEnd + between.length, Math.max(end, keyEnd + between.trimEnd().length));
  const value = withoutComment(line.slice(valueStart - start));
  return { ...place, more: [], valueStart, valueEnd: valueStart + value.length };
}

/** A value without the ` ; comment` after it. What is quoted is the value, whatever is in it. */
function withoutComment(rest: string): string {
  const quoted = /^(?:"[^"]*"|'[^']*')(?=[ \t]*(?:[;#]|$))/.exec(rest);
  if (quoted) return quoted[0];
  // `= ; remark` is a remark, `= #fff` a value.
  const comment = /(?:^[;#](?=\s|$)|[ \t]+[;#])/.exec(rest);
  return (comment ? rest.slice(0, comment.index) : rest).trimEnd();
}

function* linesIn(text: string): Generator<{ start: number; line: string }> {
  for (const match of text.matchAll(/[^\r\n]*(?:\r\n|\n|\r|$)/g)) {
    if (match[0] !== '') yield { start: match.index, line: match[0].replace(/[\r\n]+$/, '') };
  }
}
