import { mostAlike } from '../../../../core/nearest.js';
import { linesOf, problem, type SourceText } from '../source-text.js';
import { decodeXml, type XmlElement } from './xml-scan.js';

interface Level {
  name: string;
  predicates: Predicate[];
}

type Predicate = { kind: 'number'; number: number } | { kind: 'attribute' | 'child'; name: string; value: string };

/** Where a path leads: an element's text, or one of its attributes. */
export interface XmlPlace {
  element: XmlElement;
  attribute: XmlElement['attributes'][number] | undefined;
}

/**
 * Finds `Server/Service[@name='x']/Connector[2]@port` from the root element down. Names are as written, prefix and all.
 * @throws STEP_INVALID where nothing, or more than one place, matches
 */
export function findPlace(source: SourceText, root: XmlElement, key: string): XmlPlace {
  const { levels, attribute: attributeName } = parsePath(source, key);
  let candidates = [root];
  let matching: XmlElement[] = [];
  for (const [depth, level] of levels.entries()) {
    if (depth > 0) candidates = matching.flatMap(({ children }) => children);
    matching = selected(source, depth === 0 ? [[root]] : matching.map(({ children }) => children), level);
    if (matching.length === 0) throw notFound(source, key, `<${level.name}>`, level.name, candidates, depth);
  }
  if (attributeName !== undefined) {
    const elements = matching;
    matching = elements.filter(({ attributes }) => attributes.some(({ name }) => name === attributeName));
    if (matching.length === 0) throw noAttribute(source, key, attributeName, elements);
  }
  const [element, ...others] = matching;
  if (!element || others.length > 0) throw several(source, key, matching);
  return { element, attribute: element.attributes.find(({ name }) => name === attributeName) };
}

function selected(
  source: SourceText,
  siblings: readonly (readonly XmlElement[])[],
  { name, predicates }: Level,
): XmlElement[] {
  return siblings.flatMap((elements) => {
    let found = elements.filter((element) => element.name === name);
    for (const predicate of predicates) {
      found = found.filter((element, index) =>
        predicate.kind === 'number' ? index + 1 === predicate.number : fits(source, element, predicate),
      );
    }
    return found;
  });
}

function fits(
  { text }: SourceText,
  element: XmlElement,
  { kind, name, value }: Exclude<Predicate, { kind: 'number' }>,
): boolean {
  if (kind === 'attribute') {
    return element.attributes.some(
      (attribute) => attribute.name === name && decodeXml(text.slice(attribute.start, attribute.end)) === value,
    );
  }
  return element.children.some((child) => child.name === name && textOf(text, child).trim() === value);
}

/** The text directly in an element. */
export function textOf(text: string, { runs }: XmlElement): string {
  return runs
    .map(({ start, end, isCdata }) =>
      isCdata ? text.slice(start, end).replace(/\r\n?/g, '\n') : decodeXml(text.slice(start, end)),
    )
    .join('');
}

const LEVEL = /([^/@[\]\s'"=]+)((?:\[(?:\d+|@?[^/@[\]\s'"=]+=(?:'[^']*'|"[^"]*"))\])*)(\/(?!@|$)|(?=\/?@|$))/y;

function parsePath(source: SourceText, key: string): { levels: Level[]; attribute: string | undefined } {
  const levels: Level[] = [];
  let at = key.startsWith('/') ? 1 : 0;
  for (;;) {
    LEVEL.lastIndex = at;
    const match = LEVEL.exec(key);
    if (!match?.[1]) throw malformed(source, key);
    levels.push({ name: match[1], predicates: parsePredicates(match[2] ?? '') });
    at = LEVEL.lastIndex;
    if (match[3] !== '/') break;
  }
  const attribute = /^\/?@([^/@[\]\s'"=]+)$/.exec(key.slice(at))?.[1];
  if (attribute === undefined && at < key.length) throw malformed(source, key);
  return { levels, attribute };
}

function parsePredicates(text: string): Predicate[] {
  return [...text.matchAll(/\[(?:(\d+)|(@?)([^=]+)=(?:'([^']*)'|"([^"]*)"))\]/g)].map(
    ([, number, at, name = '', single, double]) => {
      if (number !== undefined) return { kind: 'number', number: Number(number) };
      return { kind: at === '@' ? 'attribute' : 'child', name, value: single ?? double ?? '' };
    },
  );
}

function malformed(source: SourceText, key: string) {
  return problem(source, undefined, `${JSON.stringify(key)} is not a path of elements`, {
    hint: "Write elements from the root with / between them, and @ before an attribute: Server/Service[@name='Catalina']/Connector[1]@port.",
    key,
    found: key,
  });
}

function notFound(
  source: SourceText,
  key: string,
  what: string,
  name: string,
  candidates: readonly XmlElement[],
  depth: number,
) {
  const names = [...new Set(candidates.map((candidate) => candidate.name))];
  const near = mostAlike(name, names);
  const isSame = names.includes(name);
  return problem(source, candidates[0]?.start, `${key}: no ${what} ${isSame ? 'fits its brackets' : 'is there'}`, {
    hint:
      near.length > 0 && !isSame
        ? `Nearest: ${near.join(', ')}. In XML, \`set\` adds nothing.`
        : 'Check the path from the root element down. In XML, `set` adds nothing: use a `patch` step for that.',
    key,
    expected: depth === 0 ? `the root ${what}` : what,
    found: names.length === 0 ? 'no elements' : listed(names.map((each) => `<${each}>`)),
  });
}

function noAttribute(source: SourceText, key: string, name: string, elements: readonly XmlElement[]) {
  const known = [...new Set(elements.flatMap(({ attributes }) => attributes.map((attribute) => attribute.name)))];
  const near = mostAlike(name, known);
  const holder = elements.find(({ children }) => children.some((child) => child.name === name));
  const advice = [
    ...(near.length > 0 ? [`Nearest: ${near.map((each) => `@${each}`).join(', ')}.`] : []),
    ...(holder === undefined ? [] : [`There is an element <${name}>: name it by /${name} instead of @${name}.`]),
    'In XML, `set` adds nothing: use a `replace` or `patch` step for that.',
  ];
  return problem(source, elements[0]?.start, `${key}: <${elements[0]?.name}> has no attribute ${name}`, {
    hint: advice.join(' '),
    key,
    expected: `an attribute ${name}`,
    found: known.length === 0 ? 'none' : listed(known),
  });
}

/** Enough to see what is meant; a generated document may have hundreds. */
const LISTED = 8;

function listed(names: readonly string[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${names.slice(0, LISTED).join(', ')}${more}`;
}

function several(source: SourceText, key: string, matching: readonly XmlElement[]) {
  const lines = linesOf(
    source,
    matching.map(({ start }) => start),
  );
  return problem(source, matching[0]?.start, `${key} matches ${matching.length} places (${lines})`, {
    hint: "Say which one: by number from 1, as in item[2], by an attribute, as in item[@name='x'], or by an element in it, as in item[name='x'].",
    key,
    expected: 'one place',
    found: lines,
  });
}
