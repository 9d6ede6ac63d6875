/** An element of a well-formed document, with the offsets of what can be set in it. */
export interface XmlElement {
  name: string;
  start: number;
  attributes: { name: string; start: number; end: number; quote: string }[];
  parent: XmlElement | undefined;
  children: XmlElement[];
  /** Text and CDATA directly in the element. For CDATA the offsets are those of what is in it. */
  runs: { start: number; end: number; isCdata: boolean }[];
  /** Where `/>` stands, for an element that has no end tag. */
  selfClosing: number | undefined;
  /** Where the end tag begins. */
  end: number;
}

/** Where a document type declaration is, brackets, quotes and comments in it understood. undefined: there is none. */
export function doctypeRange(text: string): { start: number; end: number } | undefined {
  const before = /^(?:\s+|<\?[\s\S]*?\?>|<!--[\s\S]*?-->)*/.exec(text)?.[0].length ?? 0;
  if (!text.startsWith('<!DOCTYPE', before)) return undefined;
  const pattern = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|"[^"]*"|'[^']*'|[[\]>]/g;
  pattern.lastIndex = before + '<!DOCTYPE'.length;
  let depth = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    if (match[0] === '[') depth += 1;
    else if (match[0] === ']') depth -= 1;
    else if (match[0] === '>' && depth <= 0) return { start: before, end: match.index + 1 };
  }
  return { start: before, end: text.length };
}

// White space is what XML takes for it (production S): JavaScript's \s has more, which names may hold.
const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^ \t\r\n>]+)[ \t\r\n]*>|<([^ \t\r\n/>!?]+)((?:[ \t\r\n]+[^ \t\r\n=<>/"']+[ \t\r\n]*=[ \t\r\n]*(?:"[^"]*"|'[^']*'))*)([ \t\r\n]*)(\/?)>|[^<]+/y;
const ATTRIBUTE = /([^ \t\r\n=<>/"']+)[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')/g;

/** The root element. The text must be known to be well-formed, its declaration and DOCTYPE blanked out. */
export function scanXml(text: string): XmlElement | undefined {
  let root: XmlElement | undefined;
  let open: XmlElement | undefined;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match && match[0] !== ''; match = TOKEN.exec(text)) {
    const [token, cdata, endName, name, attributes = '', space = '', slash] = match;
    const start = match.index;
    if (name !== undefined) {
      const element = newElement(name, start, attributes, open);
      if (open) open.children.push(element);
      else root ??= element;
      element.end = start + token.length;
      if (slash === '/') element.selfClosing = start + 1 + name.length + attributes.length + space.length;
      else open = element;
    } else if (endName !== undefined && open) {
      open.end = start;
      open = open.parent;
    } else if (cdata !== undefined) {
      const inner = start + '<![CDATA['.length;
      open?.runs.push({ start: inner, end: inner + cdata.length, isCdata: true });
    } else if (!token.startsWith('<')) {
      open?.runs.push({ start, end: start + token.length, isCdata: false });
    }
  }
  return root;
}

function newElement(name: string, start: number, attributes: string, parent: XmlElement | undefined): XmlElement {
  const from = start + 1 + name.length;
  const found = [...attributes.matchAll(ATTRIBUTE)].map((match) => {
    const end = from + match.index + match[0].length - 1;
    return { name: match[1] ?? '', start: end - (match[2]?.length ?? 0) + 2, end, quote: match[2]?.charAt(0) ?? '"' };
  });
  return { name, start, attributes: found, parent, children: [], runs: [], selfClosing: undefined, end: start };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Raw text with its line ends and references read. References to entities of a DTD stay as they are. */
export function decodeXml(raw: string): string {
  return raw.replace(/\r\n?/g, '\n').replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
