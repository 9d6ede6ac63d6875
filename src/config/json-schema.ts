import * as z from 'zod';
import { configSchema } from './schema.js';

/** The JSON Schema of the configuration as it is written, for editors (draft 7, which all of them know). */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // What zod says of every whole number; to a reader it is noise.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  const definitions = { reference: { type: 'string', pattern: '\\$\\{(values|env)\\.' } };
  return `${JSON.stringify({ ...withReferences(schema), title: 'Prestage configuration', definitions }, null, 2)}\n`;
}

type Schema = { [key: string]: unknown };

/** Keys whose values are the same in every environment (values/resolve-references.ts says so as well). */
const WITHOUT = new Set(['$schema', 'name', 'inputs', 'target']);

/** A value that is no plain text may be written as a text that refers to one: `count: ${values.count}`. */
function withReferences(schema: Schema): Schema {
  if (isLeaf(schema)) return takesText(schema) ? schema : orReference(schema);
  return Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, inPart(key, part)]));
}

function inPart(key: string, part: unknown): unknown {
  if (!isSchema(part)) return part;
  if (key === 'items' || key === 'additionalProperties') return withReferences(part);
  if (key === 'properties') return inEach(part as Record<string, Schema>);
  return key === 'anyOf' || key === 'oneOf' ? inAlternatives(part as unknown as Schema[]) : part;
}

function inAlternatives(alternatives: readonly Schema[]): Schema[] {
  const each = alternatives.map((one) => (isLeaf(one) ? one : withReferences(one)));
  const isWanting = alternatives.some(isLeaf) && !alternatives.some(takesText);
  return isWanting ? [...each, REFERENCE] : each;
}

function orReference({ description, ...schema }: Schema): Schema {
  return { anyOf: [schema, REFERENCE], ...(description === undefined ? {} : { description }) };
}

const REFERENCE = { $ref: '#/definitions/reference' };

function inEach(properties: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, each]) => [key, WITHOUT.has(key) ? each : withReferences(each)]),
  );
}

function isLeaf({ properties, additionalProperties, items, anyOf, oneOf }: Schema): boolean {
  return [properties, additionalProperties, items, anyOf, oneOf].every((each) => each === undefined);
}

function takesText({ type, pattern, const: only, enum: some }: Schema): boolean {
  return [type].flat().includes('string') && pattern === undefined && only === undefined && some === undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}
