import type { Literal, Member } from './literal.js';

/**
 * Finds the configuration's object literal in a JavaScript or TypeScript file, for the lines of its keys. A best effort:
 * what is computed, spread or imported has no place of its own, and its line is that of the key around it.
 */
export function parseLiteral(text: string): Member | undefined {
  const tokens = tokenize(text);
  const start = findStart(tokens);
  return start === undefined ? undefined : new LiteralParser(tokens, start).member();
}

interface Token {
  kind: 'name' | 'text' | 'mark';
  /** A name, the content of a string, or one punctuation character. */
  value: string;
  offset: number;
}

const SKIPPED = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const NAME = /[\p{ID_Start}$_#0-9][\p{ID_Continue}$.]*/uy;
const QUOTED = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const skipped = match(SKIPPED, text, at);
    if (skipped) {
      at += skipped.length;
      continue;
    }
    const token = next(text, at, tokens.at(-1));
    tokens.push({ ...token, offset: at });
    at += token.length;
  }
  return tokens;
}

function next(
  text: string,
  at: number,
  previous: Token | undefined,
): { kind: Token['kind']; value: string; length: number } {
  const quoted = match(QUOTED, text, at);
  if (quoted) return { kind: 'text', value: unquote(quoted), length: quoted.length };
  if (text[at] === '`') {
    const length = templateLength(text, at);
    return { kind: 'text', value: text.slice(at + 1, at + length - 1), length };
  }
  // A slash begins a regular expression only where a value may begin.
  const startsValue = previous === undefined || (previous.kind === 'mark' && !')]}'.includes(previous.value));
  const regex = startsValue ? match(REGEX, text, at) : undefined;
  if (regex) return { kind: 'text', value: regex, length: regex.length };
  const name = match(NAME, text, at);
  if (name) return { kind: 'name', value: name, length: name.length };
  return { kind: 'mark', value: text[at] ?? '', length: 1 };
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** The length of a template literal, with the templates nested in its `${…}`. */
function templateLength(text: string, start: number): number {
  let at = start + 1;
  let depth = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === '\\') at++;
    else if (depth === 0 && char === '`') return at + 1 - start;
    else if (char === '$' && text[at + 1] === '{') {
      depth++;
      at++;
    } else if (depth > 0 && char === '{') depth++;
    else if (depth > 0 && char === '}') depth--;
    else if (depth > 0 && char === '`') at += templateLength(text, at) - 1;
    at++;
  }
  return text.length - start;
}

/** The index of the `{` that opens the exported object. */
function findStart(tokens: readonly Token[]): number | undefined {
  const exported = tokens.findIndex(
    (token, i) =>
      (token.value === 'export' && tokens[i + 1]?.value === 'default') ||
      (token.value === 'module.exports' && tokens[i + 1]?.value === '='),
  );
  if (exported === -1) return undefined;
  let at = exported + 2;
  // With types in angle brackets, or without.
  if (tokens[at]?.value === 'defineConfig') at = tokens.findIndex((token, i) => i > at && token.value === '(') + 1;
  const first = tokens[at];
  if (first?.value === '{') return at;
  if (first?.kind === 'mark' || first?.value === 'function' || first?.value === 'async') return resultOf(tokens, at);
  return first?.kind === 'name' ? initializerOf(tokens, first.value) : undefined;
}

/** `({ values }) => ({` or `({ values }) => { … return {`: the index of the `{`. Parameters with types have braces as well. */
function resultOf(tokens: readonly Token[], from: number): number | undefined {
  const isMark = (index: number, value: string) => tokens[index]?.kind === 'mark' && tokens[index].value === value;
  for (let i = from; i < tokens.length; i++) {
    const isArrow = isMark(i - 3, '=') && isMark(i - 2, '>') && isMark(i - 1, '(');
    const isReturn = tokens[i - 1]?.kind === 'name' && tokens[i - 1]?.value === 'return';
    if (isMark(i, '{') && (isArrow || isReturn)) return i;
  }
  return undefined;
}

/** `const name: Type = {` or `const name = defineConfig({`: the index of the `{`. */
function initializerOf(tokens: readonly Token[], name: string): number | undefined {
  const declared = tokens.findIndex(
    (token, i) => token.value === name && ['const', 'let', 'var'].includes(tokens[i - 1]?.value ?? ''),
  );
  if (declared === -1) return undefined;
  const equals = tokens.findIndex((token, i) => i > declared && token.kind === 'mark' && token.value === '=');
  let at = equals + 1;
  if (tokens[at]?.value === 'defineConfig') at += 2;
  return equals !== -1 && tokens[at]?.value === '{' ? at : undefined;
}

class LiteralParser {
  private readonly tokens: readonly Token[];
  private at: number;

  constructor(tokens: readonly Token[], start: number) {
    this.tokens = tokens;
    this.at = start;
  }

  /** The value that begins here; afterwards, the next token is the `,` or the bracket that ends it. */
  member(offset = this.tokens[this.at]?.offset ?? 0): Member {
    const opening = this.peek();
    let value: Literal = { kind: 'other' };
    if (opening === '{') value = this.object();
    else if (opening === '[') value = this.array();
    this.skipExpression();
    return { offset, end: this.tokens[this.at]?.offset ?? Number.POSITIVE_INFINITY, value };
  }

  private object(): Literal {
    const members = new Map<string, Member>();
    this.at++;
    while (this.at < this.tokens.length && this.peek() !== '}') {
      const key = this.tokens[this.at];
      if (key && key.kind !== 'mark' && this.tokens[this.at + 1]?.value === ':') {
        this.at += 2;
        members.set(key.value, this.member(key.offset));
      } else {
        if (key?.kind === 'name')
          members.set(key.value, { offset: key.offset, end: key.offset, value: { kind: 'other' } });
        this.skipExpression();
      }
      if (!this.comma()) break;
    }
    this.at++;
    return { kind: 'object', members };
  }

  private array(): Literal {
    const items: Member[] = [];
    this.at++;
    while (this.at < this.tokens.length && this.peek() !== ']') {
      items.push(this.member());
      if (!this.comma()) break;
    }
    this.at++;
    return { kind: 'array', items };
  }

  /** Goes past a comma; anything else after a value ends the list, as its own bracket does and as a wrong one must. */
  private comma(): boolean {
    const found = this.peek() === ',';
    if (found) this.at++;
    return found;
  }

  private skipExpression(): void {
    let depth = 0;
    for (; this.at < this.tokens.length; this.at++) {
      const mark = this.peek();
      if (mark === undefined) continue;
      if (depth === 0 && ',]})'.includes(mark)) return;
      if ('{[('.includes(mark)) depth++;
      else if ('}])'.includes(mark)) depth--;
    }
  }

  /** The punctuation here, or undefined where the token is a name or text. */
  private peek(): string | undefined {
    const token = this.tokens[this.at];
    return token?.kind === 'mark' ? token.value : undefined;
  }
}
