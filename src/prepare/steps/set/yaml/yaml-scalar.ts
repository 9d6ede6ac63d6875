import { isMap, isScalar, parseAllDocuments, Scalar } from 'yaml';
import type { SetValue } from '../set-format.js';

/** Where a scalar is to stand. */
export interface ScalarPlace {
  /** In `{}` or `[]`. */
  isFlow: boolean;
  /** The style of the scalar that it takes the place of. */
  style: string | null | undefined;
}

/** Without what ends a line: U+0085, and to readers of YAML 1.1 U+2028 and U+2029 too. */
const PRINTABLE = /^[\x20-\x7E\xA1-\u2027\u202A-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** To YAML 1.1 a float has a dot, and `1e-7` is text. */
function numberText(value: number): string {
  return String(value).replace(/^(-?\d+)e/, '$1.0e');
}

/** Whether readers of YAML 1.1 and 1.2 take a plain scalar for this number: `010` is 8 to the one and 10 to the other. */
export function readsAsNumber(source: string, value: number): boolean {
  // Our parser is not as strict as YAML 1.1 is: an exponent needs a dot before it, and a sign.
  if (/^[-+.\d]*[eE]/.test(source) && !/^[-+]?\d+\.\d*[eE][-+]\d+$/.test(source)) return false;
  return (['1.1', '1.2'] as const).every((version) => {
    const [document] = parseAllDocuments(source, { version });
    return document !== undefined && isScalar(document.contents) && document.contents.value === value;
  });
}

/** A value as YAML on one line, in the style that was there where that can hold it. */
export function scalarText(value: SetValue, { isFlow, style }: ScalarPlace): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'string') return String(value);
  if (!PRINTABLE.test(value) || style === Scalar.QUOTE_DOUBLE) return doubleQuoted(value);
  if (style === Scalar.QUOTE_SINGLE) return singleQuoted(value);
  if (isPlain(value, isFlow)) return value;
  return /["\\]/.test(value) ? singleQuoted(value) : doubleQuoted(value);
}

/**
 * Whether plain text reads back as this very string, with the rules of YAML 1.2 and of 1.1, by which many readers still take
 * `yes` for true, `1:30` for 90 and a date for a date.
 */
export function isPlain(text: string, isFlow: boolean): boolean {
  if (text === '<<' || text === '=') return false; // types of their own in YAML 1.1, which readers refuse as values
  return isFlow
    ? readsBack(`{k: ${text}}`, text) && readsBack(`{k: [${text}, ${text}]}`, undefined)
    : readsBack(`k: ${text}`, text);
}

/** Whether plain text reads back as this very key. */
function isPlainKey(text: string, isFlow: boolean): boolean {
  return (
    isPlain(text, isFlow) &&
    (['1.1', '1.2'] as const).every((version) => {
      const [document, ...more] = parseAllDocuments(isFlow ? `{${text}: v}` : `${text}: v`, { version });
      const pair =
        document && isMap(document.contents) && document.contents.items.length === 1
          ? document.contents.items[0]
          : undefined;
      return document?.errors.length === 0 && more.length === 0 && isScalar(pair?.key) && pair.key.value === text;
    })
  );
}

export function keyText(name: string, isFlow: boolean): string {
  return PRINTABLE.test(name) && isPlainKey(name, isFlow) ? name : doubleQuoted(name);
}

function readsBack(yaml: string, text: string | undefined): boolean {
  return (['1.1', '1.2'] as const).every((version) => {
    const [document, ...more] = parseAllDocuments(yaml, { version });
    if (!document || more.length > 0 || document.errors.length > 0 || document.warnings.length > 0) return false;
    if (!isMap(document.contents) || document.contents.items.length !== 1) return false;
    if (text === undefined) return true;
    const value = document.contents.items[0]?.value;
    return (
      isScalar(value) && value.type === Scalar.PLAIN && value.value === text && !value.comment && !document.comment
    );
  });
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** JSON's escapes are YAML's too; what YAML takes for unprintable or for a line break is escaped besides. */
function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7F-\xA0\u2028\u2029\uFEFF\uFFFE\uFFFF]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * A text of several lines as the block literal that takes the place of `old` (from its `|` to its last line end), or
 * undefined where a literal cannot hold it.
 */
export function blockLiteral(old: string, value: string, eol: string): string | undefined {
  const [header = '', ...lines] = old.split(/\r?\n/);
  const indent = /^ +/.exec(lines.find((line) => line.trim() !== '') ?? '')?.[0];
  if (!header.startsWith('|') || indent === undefined || !/^[^\s][\s\S]*\n/.test(`${value}\n`)) return undefined;
  if (
    !value.includes('\n') ||
    /[^\n\x20-\x7E\xA1-\u2027\u202A-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD\u{10000}-\u{10FFFF}]/u.test(value)
  )
    return undefined;
  const body = value.replace(/\n+$/, '');
  const ends = value.length - body.length;
  const chomping = ends === 0 ? '-' : ends === 1 ? '' : '+';
  const remark = /[ \t]+#.*$/.exec(header)?.[0] ?? '';
  const indented = body.split('\n').map((line) => (line === '' ? '' : indent + line));
  return [`|${chomping}${remark}`, ...indented].join(eol) + eol.repeat(Math.max(ends, 1));
}
