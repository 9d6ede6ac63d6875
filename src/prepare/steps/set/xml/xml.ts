import { XmlElement as ParsedElement, parseXml, XmlError, XmlText } from '@rgrove/parse-xml';
import { type Edit, type Format, plainText } from '../format.js';
import { problem, type SourceText } from '../source-text.js';
import { findPlace, textOf, type XmlPlace } from './xml-path.js';
import { decodeXml, doctypeRange, scanXml, type XmlElement } from './xml-scan.js';

/** XML: the text of an element or an attribute that is there. Nothing is added, for where and how only its schema knows. */
export const xml: Format = {
  set(source, key, value) {
    const masked = { ...source, text: withoutDoctype(source.text) };
    parse(masked, source.text);
    const root = scanXml(masked.text);
    if (!root) throw new Error('a well-formed document without a root');
    const place = findPlace(masked, root, key);
    const wanted = checkText(source, key, plainText(value));
    const edit = place.attribute
      ? attributeEdit(source, place.attribute, wanted)
      : textEdit(source, key, place.element, wanted);
    return { path: pathOf(place), expected: wanted.trim(), added: false, edits: edit ? [edit] : [] };
  },
  read(source) {
    const said = new Map<string, string>();
    const root = parse({ ...source, text: withoutDoctype(source.text) }, source.text);
    if (root) readElement(root, [root.name, 1], said);
    return said;
  },
};

/** Blanks of the same length: offsets and lines stay, and brackets in a DTD mislead no one. */
function withoutDoctype(text: string): string {
  const range = doctypeRange(text);
  if (!range) return text;
  const blank = text.slice(range.start, range.end).replace(/[^\r\n]/g, ' ');
  return text.slice(0, range.start) + blank + text.slice(range.end);
}

function parse(masked: SourceText, original: string): ParsedElement | null {
  try {
    // Only a DTD can define entities, and what it defines is left as it is written.
    return parseXml(masked.text, { ignoreUndefinedEntities: masked.text !== original, preserveCdata: true }).root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const what = error.message.split(' (line ', 1)[0]?.split('\n', 1)[0] ?? 'error';
    throw problem(masked, error.pos, `not well-formed XML: ${what}`, {
      hint: 'Correct the file in an earlier step, or set `format` to what it is.',
      expected: 'XML',
      found: what,
    });
  }
}

/** Each element by its names and numbers from the root: what it says directly, and its attributes. */
function readElement(element: ParsedElement, path: readonly (string | number)[], said: Map<string, string>): void {
  for (const [name, value] of Object.entries(element.attributes))
    said.set(JSON.stringify([...path, `@${name}`]), value.trim());
  const texts = element.children.filter((child) => child instanceof XmlText);
  said.set(
    JSON.stringify(path),
    texts
      .map(({ text }) => text)
      .join('')
      .trim(),
  );
  const counts = new Map<string, number>();
  for (const child of element.children) {
    if (!(child instanceof ParsedElement)) continue;
    const number = (counts.get(child.name) ?? 0) + 1;
    counts.set(child.name, number);
    readElement(child, [...path, child.name, number], said);
  }
}

function pathOf({ element, attribute }: XmlPlace): string {
  const path: (string | number)[] = attribute ? [`@${attribute.name}`] : [];
  for (let each: XmlElement | undefined = element; each; each = each.parent) {
    const { name, start } = each;
    const before = each.parent?.children.filter((sibling) => sibling.name === name && sibling.start < start) ?? [];
    path.unshift(name, before.length + 1);
  }
  return JSON.stringify(path);
}

/** @throws STEP_INVALID for characters that XML 1.0 has no way to write */
function checkText(source: SourceText, key: string, wanted: string): string {
  if (!/[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/.test(wanted)) return wanted;
  throw problem(source, undefined, `the value for ${key} has a control character, which XML cannot hold`, {
    hint: 'Take it out of the value in the step.',
    key,
    found: JSON.stringify(wanted),
  });
}

function attributeEdit(
  source: SourceText,
  { start, end, quote }: { start: number; end: number; quote: string },
  wanted: string,
): Edit | undefined {
  if (decodeXml(source.text.slice(start, end)) === wanted) return undefined;
  const special = quote === '"' ? /[&<"\t\n\r]/g : /[&<'\t\n\r]/g;
  return { start, end, text: inEncoding(source, wanted.replace(special, reference)) };
}

function textEdit(source: SourceText, key: string, element: XmlElement, wanted: string): Edit | undefined {
  const { text } = source;
  if (element.children.length === 0 && textOf(text, element) === wanted) return undefined;
  checkIsText(source, key, element);
  if (element.selfClosing !== undefined) {
    const end = element.selfClosing + '/>'.length;
    return { start: element.selfClosing, end, text: `>${escapeText(source, wanted)}</${element.name}>` };
  }
  const run =
    element.runs.find(({ start, end }) => text.slice(start, end).trim() !== '') ??
    element.runs.find(({ isCdata }) => isCdata) ??
    element.runs[0];
  if (!run) return { start: element.end, end: element.end, text: escapeText(source, wanted) };
  if (run.isCdata) {
    const old = text.slice(run.start, run.end);
    return old === wanted ? undefined : { start: run.start, end: run.end, text: escapeCdata(source, wanted) };
  }
  // White space around the text is layout, and stays.
  const raw = text.slice(run.start, run.end);
  const [lead, trail] = raw.trim() === '' ? ['', ''] : [/^\s*/.exec(raw)?.[0] ?? '', /\s*$/.exec(raw)?.[0] ?? ''];
  const core = { start: run.start + lead.length, end: run.end - trail.length };
  return decodeXml(text.slice(core.start, core.end)) === wanted
    ? undefined
    : { ...core, text: escapeText(source, wanted) };
}

/** @throws STEP_INVALID where it is not clear which of the text in an element is its value */
function checkIsText(source: SourceText, key: string, element: XmlElement): void {
  const runs = element.runs.filter(({ start, end }) => source.text.slice(start, end).trim() !== '');
  if (element.children.length === 0 && runs.length <= 1) return;
  const what =
    element.children.length > 0 ? `has elements in it (<${element.children[0]?.name}>)` : 'has text in several pieces';
  throw problem(source, element.start, `${key} ${what}, not one text`, {
    hint: 'Name an element or an attribute in it, or change it with a `replace` or `patch` step.',
    key,
    expected: 'an element with text alone',
    found: what,
  });
}

function escapeText(source: SourceText, text: string): string {
  return inEncoding(source, text.replace(/[&<\r]/g, reference).replaceAll(']]>', ']]&gt;'));
}

/** CDATA has no escapes: what cannot stand in it ends the section, and a new one begins. */
function escapeCdata(source: SourceText, text: string): string {
  const special = source.encoding === 'utf8' ? /\r/g : /[\r\u{80}-\u{10FFFF}]/gu;
  return text.replaceAll(']]>', ']]]]><![CDATA[>').replace(special, (char) => `]]>${reference(char)}<![CDATA[`);
}

/** In one-byte encodings, all but ASCII as references, which are right in any of them. */
function inEncoding({ encoding }: SourceText, text: string): string {
  return encoding === 'utf8' ? text : text.replace(/[\u{80}-\u{10FFFF}]/gu, reference);
}

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '"': '&quot;', "'": '&apos;' };

function reference(char: string): string {
  return NAMED[char] ?? `&#x${char.codePointAt(0)?.toString(16).toUpperCase()};`;
}
