import { mostAlike } from '../../../../core/nearest.js';
import { type Edit, type Format, insertLines, lineEnd, nextLine, plainText } from '../format.js';
import { linesOf, problem, type SourceText } from '../source-text.js';
import { type IniEntry, type IniItem, readIni } from './ini-lines.js';

/**
 * Ini files, whose readers agree on little: where they would read a line in different ways and it matters, that is an
 * error. `section.key`, or a plain `key` outside of sections; both may have dots.
 */
export const ini: Format = {
  set(source, key, value) {
    const items = readIni(source);
    const entry = findEntry(source, items, key);
    const wanted = checkText(source, key, plainText(value));
    if (!entry) return addEntry(source, items, key, wanted);
    checkOneReading(source, entry, key);
    const text = inQuotesOf(source, entry, key, wanted);
    const place = { path: pathOf(items, entry), expected: text, added: false };
    if (entry.valueStart === undefined && value === null) return { ...place, edits: [] };
    const hasComment = entry.more.length === 0 && entry.valueEnd < entry.end;
    if (!hasComment) checkContinuesNothing(source, text, nextLine(source.text, entry.end), key);
    if (entry.valueStart === undefined) {
      return {
        ...place,
        edits: [{ start: entry.keyEnd, end: entry.keyEnd, text: `${separatorOf(source, items)}${text}` }],
      };
    }
    if (entry.more.length === 0 && rawValue(source, entry) === text) return { ...place, edits: [] };
    if (text === '') checkStaysComment(source, entry, key);
    // A comment right after an empty value.
    const gap = /[;#]/.test(source.text.charAt(entry.valueEnd)) ? ' ' : '';
    const first: Edit = { start: entry.valueStart, end: entry.valueEnd, text: text + gap };
    const rest = entry.more.map(({ start, end }) => ({ start, end: nextLine(source.text, end), text: '' }));
    return { ...place, edits: [first, ...rest] };
  },
  read(source) {
    const counts = new Map<string, number>();
    const said = new Map<string, string>();
    for (const item of readIni(source)) {
      if (item.kind === 'section') continue;
      const name = JSON.stringify([item.section, item.key]);
      const number = counts.get(name) ?? 0;
      counts.set(name, number + 1);
      const lines = [rawValue(source, item), ...item.more.map(({ text }) => text)];
      said.set(JSON.stringify([item.section, item.key, number]), lines.join('\n'));
    }
    return said;
  },
};

function findEntry(source: SourceText, items: readonly IniItem[], key: string): IniEntry | undefined {
  const entries = items.filter((item) => item.kind === 'entry');
  const lower = key.toLowerCase();
  const exact = entries.filter((entry) => fullKey(entry) === key);
  const found = exact.length > 0 ? exact : entries.filter((entry) => fullKey(entry).toLowerCase() === lower);
  if (found.length <= 1) return found[0];
  const lines = linesOf(
    source,
    found.map(({ start }) => start),
  );
  throw problem(
    source,
    found[0]?.start,
    `${key} is there ${found.length} times (${lines}), and readers differ on which one counts`,
    {
      hint: 'Remove the others with a `patch` or `replace` step, or change them there.',
      key,
      expected: 'one place',
      found: lines,
    },
  );
}

const fullKey = ({ section, key }: IniEntry) => (section === '' ? key : `${section}.${key}`);

/** Section, key, and which one of that name it is. */
function pathOf(items: readonly IniItem[], { section, key, start }: IniEntry): string {
  const same = items.filter(
    (item) => item.kind === 'entry' && item.section === section && item.key === key && item.start < start,
  );
  return JSON.stringify([section, key, same.length]);
}

function rawValue({ text }: SourceText, { valueStart, valueEnd }: IniEntry): string {
  return valueStart === undefined ? '' : text.slice(valueStart, valueEnd);
}

/** White space to any reader: Python takes U+001C to U+001F and U+0085 for it as well. */
const SPACE_AT_AN_END = /^[\s\x1C-\x1F\x85]|[\s\x1C-\x1F\x85]$/;

/** @throws STEP_INVALID for what readers of ini files would not read back */
function checkText(source: SourceText, key: string, wanted: string): string {
  const isQuoted = /^(["']).*\1$/s.test(wanted) && wanted.length > 1;
  const fault = /[\r\n]/.test(wanted)
    ? 'has line breaks'
    : isQuoted
      ? undefined
      : SPACE_AT_AN_END.test(wanted)
        ? 'begins or ends with white space'
        : /^[;#](?:\s|$)|[ \t][;#]/.test(wanted)
          ? 'has what many readers take for a comment'
          : undefined;
  if (fault === undefined && (source.encoding === 'utf8' || !/[^\0-\xFF]/.test(wanted))) return wanted;
  throw problem(
    source,
    undefined,
    `the value for ${key} ${fault ?? 'has characters that the file, in Latin-1, cannot hold'}`,
    {
      hint:
        isQuoted || /[\r\n]/.test(wanted)
          ? 'Change the place with a `replace` step.'
          : `If its reader takes off quotes, write them in the value: '"${wanted}"'.`,
      key,
      found: JSON.stringify(wanted),
    },
  );
}

/** @throws STEP_INVALID where the value goes on over lines that other readers take for something else */
function checkOneReading(source: SourceText, entry: IniEntry, key: string): void {
  const other = entry.more.find(({ text }) => /^[\w.-]+\s*(?:=(?!=)|:(?!\/\/))/.test(text) || text.startsWith('['));
  const goesOn =
    source.text.charAt(entry.end - 1) === '\\' && canBeGoneOnTo(source.text, nextLine(source.text, entry.end));
  const isAlone = entry.valueStart === undefined ? entry.more[0] : undefined;
  const position = (other ?? isAlone)?.start ?? (goesOn ? nextLine(source.text, entry.end) : undefined);
  if (position === undefined) return;
  throw problem(source, position, `some readers take this line for a part of ${key}, others for a line of its own`, {
    hint: 'Change the place with a `replace` or `patch` step.',
    key,
  });
}

/** Whether a backslash before this line would make it, to some readers, a part of what stands before it. */
function canBeGoneOnTo(text: string, position: number): boolean {
  const line = text.slice(position).split(/\r?\n/, 1)[0] ?? '';
  return line.trim() !== '' && !/^\s*[[;#]/.test(line);
}

/** @throws STEP_INVALID where a new value ends in a backslash, and some readers would take the next line for more of it */
function checkContinuesNothing(source: SourceText, value: string, position: number, key: string): void {
  if (!value.endsWith('\\') || !canBeGoneOnTo(source.text, position)) return;
  throw problem(
    source,
    position,
    `some readers would take this line for a part of ${key}, whose value would end in a backslash`,
    {
      hint: 'Leave out the backslash at the end of the value, or change the place with a `replace` or `patch` step.',
      key,
    },
  );
}

/** @throws STEP_INVALID where the comment after a value would be the value, if that were empty: `a = ;b` */
function checkStaysComment(source: SourceText, { start, valueEnd }: IniEntry, key: string): void {
  if (!/^[ \t]*[;#]\S/.test(source.text.slice(valueEnd))) return;
  throw problem(
    source,
    start,
    `${key} would be empty, and some readers would take the comment after it for its value`,
    {
      hint: 'Change the line with a `replace` or `patch` step.',
      key,
    },
  );
}

/** The text in the quotes that the present value has. */
function inQuotesOf(source: SourceText, entry: IniEntry, key: string, wanted: string): string {
  const quote = /^(["'])[\s\S]*\1$/.exec(rawValue(source, entry))?.[1];
  if (quote === undefined || entry.more.length > 0 || /^(["'])[\s\S]*\1$/.test(wanted)) return wanted;
  if (!wanted.includes(quote)) return `${quote}${wanted}${quote}`;
  throw problem(source, entry.start, `the value for ${key} has the quotes in it that it would stand in`, {
    hint: 'Readers differ on how to write a quote in quotes: put the value in the other quotes in the step, or use a `replace` step.',
    key,
    found: JSON.stringify(wanted),
  });
}

function addEntry(source: SourceText, items: readonly IniItem[], key: string, value: string) {
  const { section, name } = sectionFor(source, items, key);
  const place = { path: JSON.stringify([section, name, 0]), expected: value, added: true };
  const { text } = source;
  const of = items.filter((item) => (item.kind === 'entry' ? item.section : item.name) === section);
  const last = of.at(-1);
  const indent = of.findLast((item) => item.kind === 'entry')?.indent ?? '';
  const line = `${indent}${name}${separatorOf(source, items, section)}${value}`;
  const position = last ? nextLine(text, last.end) : section === '' ? 0 : text.length;
  checkNotContinued(source, position, indent, key);
  if (last && text.charAt(last.end - 1) === '\\')
    throw problem(source, last.start, `some readers would take ${key}, added after this line, for a part of it`, {
      hint: 'Add the key with a `replace` or `patch` step.',
      key,
    });
  if (last) return { ...place, edits: [insertLines(text, position, line)] };
  if (section === '') return { ...place, edits: [{ start: 0, end: 0, text: `${line}${lineEnd(text)}` }] };
  const isSpaced = text.trim() !== '' && !/(?:^|\n)\s*$/.test(text.replace(/(?:\r\n|\n)$/, ''));
  const header = `${isSpaced ? lineEnd(text) : ''}[${section}]${lineEnd(text)}`;
  return { ...place, edits: [insertLines(text, text.length, header + line)] };
}

/** @throws STEP_INVALID where some readers would take the line after a new one for a part of it */
function checkNotContinued(source: SourceText, position: number, indent: string, key: string): void {
  const next = /^(?:[ \t]*(?:[;#].*)?(?:\r\n|\n|\r))*([ \t]*)(?=[^\s;#])/.exec(source.text.slice(position));
  if (!next || (next[1] ?? '').length <= indent.length) return;
  throw problem(
    source,
    position + next[0].length,
    `some readers would take this indented line for a part of ${key}, if that stood before it`,
    {
      hint: 'Add the key with a `replace` or `patch` step.',
      key,
    },
  );
}

/** Which section a new key is for. @throws STEP_INVALID where that is not clear */
function sectionFor(source: SourceText, items: readonly IniItem[], key: string): { section: string; name: string } {
  const sections = new Set(items.flatMap((item) => (item.kind === 'section' ? [item.name] : [])));
  const splits = [...key.matchAll(/\./g)].map(({ index }) => ({
    section: key.slice(0, index),
    name: key.slice(index + 1),
  }));
  const valid = splits.filter(({ section, name }) => section !== '' && name !== '' && !/[\]\r\n]/.test(section));
  const exact = valid.filter(({ section }) => sections.has(section));
  const known =
    exact.length > 0
      ? exact
      : valid.flatMap(({ section, name }) => inAnyCase(sections, section).map((actual) => ({ section: actual, name })));
  const [first, ...more] =
    known.length > 0 ? known : sections.size === 0 || valid.length === 0 ? [{ section: '', name: key }] : valid;
  if (first && more.length === 0 && isPlainKey(first.name)) return first;
  const near = mostAlike(
    key,
    items.flatMap((item) => (item.kind === 'entry' ? [fullKey(item)] : [])),
  );
  const why = first && more.length === 0 ? 'is no key that can be added' : 'is not there, and its section is not clear';
  throw problem(source, undefined, `${key} ${why} (sections: ${[...sections].join(', ') || 'none'})`, {
    hint:
      near.length > 0
        ? `Nearest keys: ${near.join(', ')}.`
        : 'Check the key; a section is not created for a key with several dots.',
    key,
  });
}

function inAnyCase(sections: ReadonlySet<string>, wanted: string): string[] {
  return [...sections].filter((section) => section.toLowerCase() === wanted.toLowerCase());
}

const isPlainKey = (name: string) => /^[^\s=:;#[\]](?:[^=:\r\n]*[^\s=:])?$/.test(name);

/** What stands between key and value in the section, or else anywhere in the file. */
function separatorOf({ text }: SourceText, items: readonly IniItem[], section?: string): string {
  const entries = items.filter(
    (item) => item.kind === 'entry' && item.valueStart !== undefined && item.valueStart < item.valueEnd,
  );
  const model = entries.findLast((item) => item.kind === 'entry' && item.section === section) ?? entries[0];
  if (model?.kind !== 'entry') return '=';
  // Aligned values have more white space than a new key needs.
  return text.slice(model.keyEnd, model.valueStart).replace(/[ \t]+/g, ' ');
}
