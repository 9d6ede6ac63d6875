/** What a `replace` step would say for a command of sed. */
export interface Substitution {
  from: string;
  to: string;
  regex: boolean;
  /** Without `g`: a step changes all places in a line, and this the first one. */
  firstOnly: boolean;
}

/**
 * A script of sed that is one substitution: `s/old/new/g`, with any delimiter. Undefined for all others.
 * Basic and extended expressions are those of POSIX, written as JavaScript writes them.
 */
export function substitution(script: string, extended: boolean): Substitution | undefined {
  const delimiter = /^s([^\w\s\\])/.exec(script)?.[1];
  if (delimiter === undefined) return undefined;
  const [pattern, replacement, flags, ...more] = parts(script.slice(2), delimiter);
  if (pattern === undefined || replacement === undefined || more.length > 0) return undefined;
  if (!/^[g1]?$/.test(flags ?? '') || /\n/.test(script)) return undefined;
  const from = asJavaScript(pattern, extended);
  if (from === undefined) return undefined;
  // An expression for the line's start or end has one place in it.
  const firstOnly = !flags?.includes('g') && !/^\^|\.\*|[^\\]\$$/.test(from);
  const plain = literal(from);
  const to = asReplacement(replacement);
  if (to === undefined) return undefined;
  if (plain === undefined || to.isPattern) return { from, to: to.pattern, regex: true, firstOnly };
  return { from: plain, to: to.plain, regex: false, firstOnly };
}

function parts(text: string, delimiter: string): string[] {
  const found = [''];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    const last = found.length - 1;
    if (char === '\\') {
      const next = text[at + 1] ?? '';
      // The delimiter with a backslash is the delimiter itself.
      found[last] += next === delimiter ? next : char + next;
      at += 1;
    } else if (char === delimiter) found.push('');
    else found[last] += char;
  }
  return found;
}

/**
 * In a basic expression `(`, `)`, `{`, `}`, `+`, `?` and `|` are themselves, and special after a backslash. What sed matches in a
 * line, JavaScript would match over many: negated sets are without line ends. Undefined where JavaScript has nothing like it.
 */
function asJavaScript(pattern: string, extended: boolean): string | undefined {
  let isStrange = false;
  const tokens = /\[(\^?)(\]?(?:\[:\w+:\]|[^\]])*)\]|\\(.)|[(){}+?|$^*]/g;
  const found = pattern.replace(tokens, (all, not, inside, escaped, offset) => {
    if (inside !== undefined) {
      const set = setOf(inside);
      if (set === undefined) isStrange = true;
      return `[${not}${set}${not === '^' ? '\\n' : ''}]`;
    }
    if (escaped === undefined) {
      const isOperator = extended || isBasicOperator(all, pattern.slice(0, offset), pattern.slice(offset + 1));
      return isOperator ? all : `\\${all}`;
    }
    if (!extended && /[(){}+?|]/.test(escaped)) return escaped;
    const known = ESCAPES[escaped];
    if (known === undefined && /[a-zA-Z0'`]/.test(escaped)) isStrange = true;
    return known ?? all;
  });
  return isStrange ? undefined : found;
}

/** In a basic expression, `^` is one at the start alone, `$` at the end, and `*` after something. */
function isBasicOperator(char: string, before: string, after: string): boolean {
  const isStart = /^$|\\[(|]$/.test(before);
  if (char === '^') return isStart;
  if (char === '*') return !isStart && !/^\^$/.test(before);
  return char === '$' && /^$|^\\[)|]/.test(after);
}

/** GNU's, in regex(7) and the manual of sed. */
const ESCAPES: Record<string, string> = {
  b: '\\b',
  '<': '\\b(?=\\w)',
  '>': '\\b(?<=\\w)',
  s: '[ \\t]',
  S: '\\S',
  w: '\\w',
  W: '[^\\w\\n]',
  t: '\\t',
};

const CLASSES: Record<string, string> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  digit: '0-9',
  lower: 'a-z',
  space: ' \\t',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** What stands in brackets, where a backslash is one. */
function setOf(inside: string): string | undefined {
  let isStrange = false;
  const set = inside.replace(/\[:(\w+):\]|\[[.=]|[\\\]]|\[/g, (all, name) => {
    if (name === undefined && /^\[[.=]$/.test(all)) isStrange = true;
    if (name !== undefined && CLASSES[name] === undefined) isStrange = true;
    return name === undefined ? `\\${all}` : (CLASSES[name] ?? '');
  });
  return isStrange ? undefined : set;
}

/** The text that an expression without special characters stands for. */
function literal(expression: string): string | undefined {
  const special = /\\[a-zA-Z0-9]|[.*[\]^$(){}+?|]/;
  const withoutEscapes = expression.replace(/\\[^a-zA-Z0-9]/g, '');
  return special.test(withoutEscapes) ? undefined : expression.replace(/\\(.)/g, '$1');
}

/** Undefined where it changes the case, which JavaScript's cannot. */
function asReplacement(text: string): { plain: string; pattern: string; isPattern: boolean } | undefined {
  const escapes: Record<string, string> = { n: '\n', t: '\t' };
  const [parts, isPattern] = [[] as { plain: string; pattern: string }[], /(^|[^\\])(\\\\)*(&|\\\d)/.test(text)];
  for (const [all, digit, escaped] of text.matchAll(/\\(\d)|\\([\s\S])|[\s\S]/g)) {
    if (escaped !== undefined && /[a-zA-Z]/.test(escaped) && escapes[escaped] === undefined) return undefined;
    const plain = escaped === undefined ? all : (escapes[escaped] ?? escaped);
    const group = digit === undefined ? undefined : digit === '0' ? '$&' : `$${digit}`;
    parts.push({ plain, pattern: group ?? (all === '&' ? '$&' : plain.replace('$', '$$$$')) });
  }
  return {
    plain: parts.map((part) => part.plain).join(''),
    pattern: parts.map((part) => part.pattern).join(''),
    isPattern,
  };
}
