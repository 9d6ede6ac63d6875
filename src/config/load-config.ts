import { dirname } from 'node:path';
import type { PrestageError } from '../core/errors.js';
import type { Environment } from '../plan/index.js';
import { type Config, normalizeConfig } from './config.js';
import { chooseEnvironment, selectEnvironment } from './environment.js';
import { findConfig } from './find-config.js';
import { keyText, type Problem, problemsError } from './problem.js';
import { prototypeProblems } from './prototype-key.js';
import { readConfigFile } from './read/read-config-file.js';
import type { SourceFile } from './read/source-file.js';
import { ruleProblems } from './rules.js';
import { configSchema } from './schema.js';
import { parseConfig } from './zod-problems.js';

/** A configuration file as it was read, with all that is wrong in it. */
interface CheckedConfig {
  file: string;
  data: unknown;
  locate: SourceFile['locate'];
  /** Undefined where there are problems. */
  config: Config | undefined;
  problems: Problem[];
}

/**
 * The configuration at a path, or the only one in a folder, with every rule checked that needs no other file. What must
 * exist is checked by `resolve`.
 * @throws CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS, CONFIG_SYNTAX, CONFIG_INVALID, CONFIG_CYCLE
 */
export async function loadConfig(pathOrFolder: string): Promise<Config> {
  const { config, file, locate, problems } = await checkConfig(pathOrFolder);
  if (!config) throw problemsError(file, locate, problems);
  return config;
}

/** Where a project is deployed: what a command needs that works on what is prepared and deployed already. */
export interface Place {
  name: string;
  folder: string;
  environment: Environment;
  /** What is wrong elsewhere in the configuration. */
  fault: PrestageError | undefined;
}

/**
 * The project's name and one environment of a configuration. Only what is wrong with these is an error: who looks at a
 * deployment, or removes it, need not correct a package first.
 * @throws CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS, CONFIG_SYNTAX, CONFIG_INVALID, ENVIRONMENT_UNKNOWN
 */
export async function loadPlace(pathOrFolder: string, environment?: string): Promise<Place> {
  const { config, file, data, locate, problems } = await checkConfig(pathOrFolder);
  const chosen = config ?? partOf({ file, data, locate, problems }, environment);
  const fault = config ? undefined : problemsError(file, locate, problems);
  const { name, folder } = chosen;
  return { name, folder, environment: selectEnvironment(chosen, environment), fault };
}

async function checkConfig(pathOrFolder: string): Promise<CheckedConfig> {
  const file = await findConfig(pathOrFolder);
  const { data, locate, problems: misread } = await readConfigFile(file);
  const general = [...misread, ...prototypeProblems(data)];
  const parsed = parseConfig(configSchema, data);
  const rules = parsed.config ? ruleProblems(parsed.config, dirname(file)) : [];
  const told = new Set([...parsed.problems, ...rules].map((problem) => keyText(problem.path)));
  const problems = [...parsed.problems, ...rules, ...general.filter((problem) => !told.has(keyText(problem.path)))];
  const config = parsed.config && problems.length === 0 ? normalizeConfig(file, parsed.config, locate) : undefined;
  return { file, data, locate, config, problems };
}

/** The name and the chosen environment, as if the configuration had nothing else. @throws what is wrong with these */
function partOf({ file, data, locate, problems }: Omit<CheckedConfig, 'config'>, environment?: string): Config {
  const { name, environments } = isMap(data) ? data : {};
  const chosen = isMap(environments) ? chooseEnvironment(Object.keys(environments), file, environment) : undefined;
  const isNeeded = ({ path: [top, second], nearest }: Problem) =>
    top === undefined ||
    top === 'name' ||
    // A misspelt one is missing, and its default would be another place.
    (second === undefined && (nearest === 'name' || nearest === 'environments')) ||
    (top === 'environments' && (chosen === undefined || second === undefined || second === chosen));
  const needed = problems.filter(isNeeded);
  if (needed.length > 0) throw problemsError(file, locate, needed);
  const part = {
    name,
    packages: {},
    ...(isMap(environments) && chosen !== undefined ? { environments: { [chosen]: environments[chosen] } } : {}),
  };
  const parsed = parseConfig(configSchema, part);
  if (!parsed.config) throw problemsError(file, locate, problems);
  return normalizeConfig(file, parsed.config, locate);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
