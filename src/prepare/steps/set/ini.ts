import { type Edit, invalid, lineEndOf, type SetIn } from './edit.js';

/**
 * `[section]` lines, `key = value` or `key: value` lines, comment lines by `;` or `#`. A value ends before a `;` or `#`
 * that white space precedes, and what follows stays. Keys are found as they are written, else without regard to case.
 */
export const setInIni: SetIn = (text, path, value, file) => {
  const lines = linesOf(text);
  const { section, key } = target(lines, path, file);
  const wanted = value === null ? '' : String(value);
  if (/[\r\n]/.test(wanted)) {
    throw invalid(`A value of an ini file is one line, and that for ${path} has more.`, 'Give one line.', { file, key: path });
  }
  const inSection = lines.filter((line) => line.section === section);
  const found = inSection.find((line) => line.key === key) ?? inSection.find((line) => line.key?.toLowerCase() === key.toLowerCase());
  if (!found) return addition(text, inSection, key, wanted);
  return found.value === wanted ? undefined : { start: found.start, end: found.end, text: (found.bare ? ' = ' : '') + wanted };
};

interface Line {
  /** '' before the first section. */
  section: string;
  key?: string;
  value?: string;
  /** A key without separator and value. */
  bare?: boolean;
  /** The value's offsets; for other lines, those of the line. */
  start: number;
  end: number;
  /** The offset behind the line and its line end. */
  next: number;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let section = '';
  for (const match of text.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)) {
    const [whole, line = ''] = match;
    if (whole === '') break;
    const next = match.index + whole.length;
    const header = /^\s*\[([^\]]*)\]/.exec(line);
    if (header) section = (header[1] ?? '').trim();
    const entry = header ? undefined : entryOf(line);
    lines.push({ section, start: match.index, end: match.index + line.length, next, ...(entry ? shifted(entry, match.index) : {}) });
  }
  return lines;
}

type Entry = { key: string; value: string; bare: boolean; start: number; end: number };

const shifted = (entry: Entry, by: number): Entry => ({ ...entry, start: entry.start + by, end: entry.end + by });

function entryOf(line: string): Entry | undefined {
  const [, head = '', key = '', separator = ''] = /^(\uFEFF?\s*)([^\s;#=:][^=:]*?)(\s*[=:][ \t]*|\s*$)/.exec(line) ?? [];
  if (key === '') return undefined;
  const bare = separator.trim() === '';
  const start = bare ? head.length + key.length : head.length + key.length + separator.length;
  const value = bare ? '' : (/^.*?(?=\s+[;#]|\s*$)/.exec(line.slice(start))?.[0] ?? '');
  return { key, value, bare, start, end: start + value.length };
}

/** `section.key`: of the sections that are there, the longest that the path begins with. */
function target(lines: readonly Line[], path: string, file: string): { section: string; key: string } {
  const sections = [...new Set(lines.map((line) => line.section))].sort((a, b) => b.length - a.length);
  if (lines.some((line) => line.section === '' && line.key === path)) return { section: '', key: path };
  for (const section of sections) {
    if (section !== '' && path.startsWith(`${section}.`) && path.length > section.length + 1) return { section, key: path.slice(section.length + 1) };
  }
  if (!path.includes('.')) return { section: '', key: path };
  const wanted = path.slice(0, path.lastIndexOf('.'));
  throw invalid(`There is no section [${wanted}] in ${file}.`, `Its sections are: ${sections.filter(Boolean).join(', ') || 'none'}.`, {
    file,
    key: path,
    expected: `[${wanted}]`,
  });
}

/** Behind the section's last key, or its header, in the style of the section's last entry. */
function addition(text: string, inSection: readonly Line[], key: string, value: string): Edit {
  const lineEnd = lineEndOf(text);
  const entries = inSection.filter((line) => line.key !== undefined && !line.bare);
  const last = entries.at(-1);
  const separator = last ? (/\s*[=:][ \t]*$/.exec(text.slice(0, last.start))?.[0].replace(/^[\r\n]+/, '') ?? '=') : ' = ';
  const behind = last ?? inSection[0];
  const at = behind ? behind.next : 0;
  const before = at > 0 && !/[\r\n]$/.test(text.slice(0, at)) ? lineEnd : '';
  return { start: at, end: at, text: `${before}${key}${separator}${value}${lineEnd}`, added: true };
}
