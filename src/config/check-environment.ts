import { isDeepStrictEqual } from 'node:util';
import { parseSource, sourceName } from '../plan/index.js';
import { keyText, type Problem } from './problem.js';
import type { SourceFile } from './read/source-file.js';
import { ruleProblems } from './rules.js';
import { configSchema, type ParsedConfig } from './schema.js';
import { type EnvironmentData, EnvironmentValues, environmentData, givenValues, isMap } from './values/index.js';
import { parseConfig } from './zod-problems.js';

/** A configuration as it is for one of its environments. */
export interface CheckedEnvironment {
  /** Undefined where the configuration has none. */
  name: string | undefined;
  /** Undefined where it cannot be known here, because of what is `missing` or because its program throws. */
  data?: EnvironmentData;
  values?: EnvironmentValues;
  /** Undefined where there are problems. */
  parsed?: ParsedConfig | undefined;
  problems: Problem[];
  /** Inputs that are not set. They matter to the environment that a command is for. */
  missing: Problem[];
}

/** @throws CONFIG_SYNTAX where the program of the chosen environment throws */
export async function checkEnvironment(
  source: SourceFile,
  name: string | undefined,
  { isChosen }: { isChosen: boolean },
): Promise<CheckedEnvironment> {
  const made = await dataOf(source, name).catch((error: unknown) => {
    if (isChosen) throw error;
    return undefined;
  });
  if (made === undefined) return { name, problems: [], missing: [] };
  if (made.missing.length > 0) return { name, problems: [], missing: made.missing };
  const values = new EnvironmentValues(made.data, name, process.env);
  const data = environmentData(made.data, name, values);
  const { missing } = data;
  if (missing.length > 0) return { name, data, values, problems: data.problems, missing };
  const { config: parsed, problems } = parseConfig(configSchema, data.data);
  const refused = new Set(data.problems.map(({ path }) => keyText(path)));
  const found = [...problems, ...(parsed ? ruleProblems(parsed) : [])]
    .map((each) => asWritten(each, data, name))
    .filter(({ path }) => !refused.has(keyText(path)));
  return { name, data, values, parsed, problems: [...made.problems, ...data.problems, ...found], missing };
}

/** The sources of its packages, by their names in the lockfile. */
export function sourcesOf({ packages }: ParsedConfig): Set<string> {
  return new Set(
    Object.values(packages).flatMap(({ source }) => {
      const parsed = parseSource(source);
      return parsed ? [sourceName(parsed)] : [];
    }),
  );
}

interface Made {
  data: unknown;
  problems: Problem[];
  missing: Problem[];
}

/** What the file says, or what its program makes: once to know the values, and again with them. */
async function dataOf({ data, forEnvironment }: SourceFile, name: string | undefined): Promise<Made> {
  if (forEnvironment === undefined || name === undefined) return { data, problems: [], missing: [] };
  const before = await forEnvironment(name);
  const { given, missing } = givenValues(new EnvironmentValues(before, name, process.env));
  if (missing.length > 0) return { data: before, problems: [], missing };
  const after = await forEnvironment(name, given);
  const isSame = isDeepStrictEqual(saidOfValues(before, name), saidOfValues(after, name));
  const changed = {
    path: ['values'],
    expected: 'values and inputs that do not depend on values',
    found: 'some that do',
  };
  return { data: after, problems: isSame ? [] : [changed], missing };
}

function saidOfValues(data: unknown, name: string): unknown {
  const { values, inputs, environments } = isMap(data) ? data : {};
  const own = isMap(environments) ? environments[name] : undefined;
  return [values, inputs, isMap(own) ? own.values : undefined];
}

/** A problem where the file has what it is about, and with the values that it comes from. */
function asWritten(problem: Problem, data: EnvironmentData, environment: string | undefined): Problem {
  const path = data.writtenAt(problem.path);
  const uses = data.uses.get(keyText(path));
  const [first] = uses ?? [];
  if (uses === undefined || first === undefined) return { ...problem, path };
  const found = uses.some((use) => use.found.isSecret) ? '***' : problem.found;
  const from = uses.map(({ written }) => written).join(' and ');
  return { ...problem, path, found: `${found}, from ${from} in ${environment}`, excerpt: first.written };
}
