import type { z } from 'zod';
import { nearest } from '../core/nearest.js';
import { describe, keyText, type Problem } from './problem.js';
import type { KeyPath } from './read/source-file.js';

type Issue = z.core.$ZodIssue;

/** Data as its type, or what zod finds wrong, in our words. */
export function parseConfig<T>(schema: z.ZodType<T>, data: unknown): { config?: T; problems: Problem[] } {
  const result = schema.safeParse(data, { error: expectation });
  if (result.success) return { config: result.data, problems: [] };
  return { problems: allProblems(result.error.issues, data, []) };
}

/** Names of types, as they follow "expected". Schemas that know better carry their own (`error`). */
const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function expectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? String(issue.expected);
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'unrecognized_keys':
      // zod keeps the schema of the map to itself in the issue that it returns: the valid keys travel as the message.
      return validKeys(issue.inst).join(', ');
    default:
      return 'another value';
  }
}

function validKeys(schema: unknown): string[] {
  const shape = (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def?.shape;
  return Object.keys(shape ?? {}).filter((key) => !key.startsWith('$'));
}

/** A misspelt key is one mistake, although the key that it was meant to be is missing as well. */
function allProblems(issues: readonly Issue[], data: unknown, prefix: KeyPath): Problem[] {
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys');
  const owners = new Set(unknown.map((issue) => keyText(pathOf(issue, prefix))));
  const misspelt = unknown.flatMap((issue) =>
    issue.keys.map((key) => keyText([...pathOf(issue, prefix), nearest(key, validKeysIn(issue)) ?? key])),
  );
  const isEcho = (issue: Issue): boolean => {
    const path = pathOf(issue, prefix);
    if (issue.code === 'custom') return owners.has(keyText(path));
    return misspelt.includes(keyText(path)) && valueAt(data, path) === undefined;
  };
  return issues.filter((issue) => !isEcho(issue)).flatMap((issue) => problemsOf(issue, data, pathOf(issue, prefix)));
}

function pathOf(issue: Issue, prefix: KeyPath): KeyPath {
  return [...prefix, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
}

function validKeysIn(issue: Issue): string[] {
  return issue.message.split(', ');
}

function problemsOf(issue: Issue, data: unknown, path: KeyPath): Problem[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, validKeysIn(issue)));
    case 'invalid_key':
      return [{ path, expected: issue.issues[0]?.message ?? 'another key', found: describe(path.at(-1)) }];
    case 'invalid_union':
      return unionProblems(issue, data, path);
    case 'invalid_value':
      return [{ path, expected: issue.message, ...foundWord(valueAt(data, path), issue.values.map(String)) }];
    default:
      return [{ path, expected: issue.message, found: describe(valueAt(data, path)) }];
  }
}

function foundWord(value: unknown, valid: readonly string[]): Pick<Problem, 'found' | 'nearest'> {
  return { found: describe(value), nearest: typeof value === 'string' ? nearest(value, valid) : undefined };
}

function unknownKey(path: KeyPath, key: string, valid: readonly string[]): Problem {
  const found = `the unknown key ${key}`;
  if (key === 'optional' && valid.includes('patch')) {
    return {
      path: [...path, key],
      expected: 'optional inside the step, as in remove: {files: …, optional: true}',
      found: 'it beside the step',
    };
  }
  const suggestion = nearest(key, valid);
  return {
    path: [...path, key],
    expected: valid.length === 1 ? `only ${valid[0]}` : `one of ${valid.join(', ')}`,
    found,
    nearest: suggestion,
  };
}

/**
 * Of the forms that a value may have, the one that it was meant to be is the one whose type it has: what is wrong inside
 * is told of that form alone. Where there is none, the union says in one phrase what it takes.
 */
function unionProblems(issue: Extract<Issue, { code: 'invalid_union' }>, data: unknown, path: KeyPath): Problem[] {
  if ('discriminator' in issue && issue.errors.length === 0) return [discriminatorProblem(issue, data, path)];
  const meant = issue.errors.filter((branch) => !branch.some((each) => each.path.length === 0 && isTypeIssue(each)));
  const [only] = meant;
  if (only && meant.length === 1) return allProblems(only, data, path);
  return [{ path, expected: issue.message, found: describe(valueAt(data, path)) }];
}

function discriminatorProblem(issue: Issue, data: unknown, path: KeyPath): Problem {
  const value = valueAt(data, path);
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  if (options.length === 0) return { path, expected: issue.message, found: describe(value) };
  return { path, expected: `one of ${options.join(', ')}`, ...foundWord(value, options) };
}

function isTypeIssue(issue: Issue): boolean {
  return (
    issue.code === 'invalid_type' ||
    issue.code === 'invalid_value' ||
    (issue.code === 'invalid_union' &&
      issue.errors.every((branch) => branch.some((each) => each.path.length === 0 && isTypeIssue(each))))
  );
}

function valueAt(data: unknown, path: KeyPath): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
