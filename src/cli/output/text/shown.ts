const CONTROLS = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;
const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text of one line from elsewhere (a path, a name) with every character shown that would control the terminal. */
export function shown(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/** The same of a text that may have lines: line feeds and tabs stay. */
export function shownLines(text: string): string {
  return text.replace(CONTROLS, (char) => (char === '\n' || char === '\t' ? char : escaped(char)));
}

/** JSON of one line for whatever takes U+0085 or U+2028 for the end of a line too, and for a terminal that obeys U+009B. */
export function jsonLine(value: object): string {
  return JSON.stringify(value).replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function escaped(char: string): string {
  const hex = (char.codePointAt(0) ?? 0).toString(16);
  return SHORT[char] ?? (hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex}`);
}
