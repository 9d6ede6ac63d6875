import type { AST } from 'toml-eslint-parser';
import type { SetValue } from '../set-format.js';

/** A value as TOML, in the style of the one that it takes the place of. null has no spelling in TOML. */
export function valueText(value: Exclude<SetValue, null>, old: AST.TOMLContentNode | undefined, eol: string): string {
  if (typeof value === 'number') return numberText(value, old?.type === 'TOMLValue' && old.kind === 'float');
  if (typeof value === 'boolean') return String(value);
  const style = old?.type === 'TOMLValue' && old.kind === 'string' ? old : undefined;
  // A line break in a file is whatever the platform says: only with LF alone is it surely the one that was meant.
  const isMultiline = style?.multiline === true && value.includes('\n') && eol === '\n' && !value.includes('\r');
  const isLiteral =
    style?.style === 'literal' && !/[\x00-\x08\x0A-\x1F\x7F']/.test(isMultiline ? value.replaceAll('\n', '') : value);
  if (isMultiline) return isLiteral ? `'''\n${value}'''` : `"""\n${multilineBasic(value)}"""`;
  return isLiteral ? `'${value}'` : basicString(value);
}

export function keyText(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : basicString(name);
}

/** A float stays one: to many readers 1 and 1.0 are not of one type. An integer has 64 bits, of which a double has 53. */
function numberText(value: number, isFloat: boolean): string {
  const text = Object.is(value, -0) ? '0' : String(value);
  const mustBeFloat = isFloat || !Number.isSafeInteger(value);
  return mustBeFloat && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** JSON's escapes are TOML's too, but that TOML has U+007F escaped as well. */
function basicString(text: string): string {
  return JSON.stringify(text).replaceAll('\x7F', '\\u007F');
}

function multilineBasic(text: string): string {
  return text
    .split('\n')
    .map((line) => basicString(line).slice(1, -1))
    .join('\n');
}
