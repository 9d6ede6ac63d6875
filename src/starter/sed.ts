/** What a `replace` step would say for a command of sed. */
export interface Substitution {
  from: string;
  to: string;
  regex: boolean;
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
  const plain = literal(from);
  const isPlain = plain !== undefined && !/(^|[^\\])(\\\\)*(&|\\\d)/.test(replacement);
  if (isPlain) return { from: plain, to: replacement.replace(/\\(.)/g, '$1'), regex: false };
  return { from, to: asReplacement(replacement), regex: true };
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

/** In a basic expression `(`, `)`, `{`, `}`, `+`, `?` and `|` are themselves, and special after a backslash. */
function asJavaScript(pattern: string, extended: boolean): string {
  if (extended) return pattern;
  return pattern.replace(/\\(.)|[(){}+?|]/g, (found, escaped: string | undefined) => {
    if (escaped === undefined) return `\\${found}`;
    return /[(){}+?|]/.test(escaped) ? escaped : found;
  });
}

/** The text that an expression without special characters stands for. */
function literal(expression: string): string | undefined {
  const special = /\\[a-zA-Z0-9]|[.*[\]^$(){}+?|]/;
  const withoutEscapes = expression.replace(/\\[^a-zA-Z0-9]/g, '');
  return special.test(withoutEscapes) ? undefined : expression.replace(/\\(.)/g, '$1');
}

function asReplacement(text: string): string {
  return text.replace(/\$/g, '$$$$').replace(/\\(\d)|\\(.)|&/g, (found, group, escaped) => {
    if (group !== undefined) return `$${group}`;
    return found === '&' ? '$&' : escaped;
  });
}
