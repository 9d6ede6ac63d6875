import { parse } from 'yaml';
import { isSecretName } from '../core/secret-lines.js';

type Value = string | number | boolean;

/** What a value of the configuration may be called. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
/** What the environment's own settings say. */
const SETTING = /^(aws_?)?region$|^vpc_?cidr(_?block)?$/i;

/** The plain settings of an `env.<name>.yaml`, but for secrets, which belong elsewhere. */
export function valuesInYaml(text: string): Record<string, Value> {
  let data: unknown;
  try {
    data = parse(text);
  } catch {
    return {};
  }
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? valuesOf(Object.entries(data)) : {};
}

/** The plain variables of a `.tfvars`: `name = "text"`, a number, true or false. */
export function valuesInTfvars(text: string): Record<string, Value> {
  const lines = text.matchAll(
    /^[ \t]*(\w+)[ \t]*=[ \t]*("(?:[^"\\$%\n]|\\["\\])*"|-?\d+(?:\.\d+)?|true|false)[ \t]*(?:[#/].*)?$/gm,
  );
  return valuesOf([...lines].map(([, name = '', written = '']) => [name, JSON.parse(written) as unknown]));
}

function valuesOf(entries: readonly (readonly [string, unknown])[]): Record<string, Value> {
  return Object.fromEntries(
    entries.flatMap(([name, value]) =>
      NAME.test(name) && !SETTING.test(name) && !isSecretName(name) && isValue(value) ? [[name, value]] : [],
    ),
  );
}

function isValue(value: unknown): value is Value {
  if (typeof value === 'string') return !/[\n\r\0]/.test(value);
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
