import { dirname } from 'node:path';
import type { PrestageError } from '../core/errors.js';
import type { Environment } from '../plan/index.js';
import { type CheckedEnvironment, checkEnvironment, sourcesOf } from './check-environment.js';
import {
  type Config,
  type NamedEnvironment,
  normalizeConfig,
  normalizeEnvironment,
  type ValueReference,
} from './config.js';
import { defaultsOf } from './defaults.js';
import { defaultEnvironment, selectEnvironment } from './environment.js';
import { findConfig } from './find-config.js';
import { keyText, type Problem, problemsError } from './problem.js';
import { prototypeProblems } from './prototype-key.js';
import { readConfigFile } from './read/read-config-file.js';
import type { SourceFile } from './read/source-file.js';
import { rootProblems } from './rules.js';
import { configSchema, type ParsedConfig } from './schema.js';
import { type Setting, settingsOf } from './settings.js';
import { type EnvironmentData, type EnvironmentValues, isMap, unusedValues } from './values/index.js';
import { parseConfig } from './zod-problems.js';

export interface LoadOptions {
  /** The environment's name; default: the only one there is, or `local`. */
  environment?: string | undefined;
  /** Where none is named and none is the default: the first, for what is most likely the same in all of them. */
  orFirst?: boolean;
}

/**
 * The configuration at a path, or the only one in a folder, as it is for one of its environments, with every rule checked that needs no
 * other file. What must exist is checked by `resolve`.
 * @throws CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS, CONFIG_SYNTAX, CONFIG_INVALID, CONFIG_INPUT, CONFIG_CYCLE, ENVIRONMENT_UNKNOWN
 */
export async function loadConfig(pathOrFolder: string, options: LoadOptions = {}): Promise<Config> {
  return configOf(await demandValid(pathOrFolder, options));
}

/** The same with each single value as it is written for the environment alone, and where that comes from. @throws as loadConfig() */
export async function loadSettings(
  pathOrFolder: string,
  options: LoadOptions = {},
): Promise<{ config: Config; settings: Setting[] }> {
  const checked = await demandValid(pathOrFolder, options);
  const { environment, parsed, data, values } = checked;
  const config = configOf(checked);
  const { locate } = checked.source;
  const defaults = defaultsOf(parsed, environment);
  return { config, settings: settingsOf({ environment, data, values, defaults, locate }) };
}

interface ValidConfig extends Pick<CheckedConfig, 'file' | 'source' | 'named' | 'environments' | 'chosen'> {
  environment: string;
  parsed: ParsedConfig;
  data: EnvironmentData;
  values: EnvironmentValues;
}

async function demandValid(pathOrFolder: string, options: LoadOptions): Promise<ValidConfig> {
  const checked = await checkConfig(pathOrFolder, options);
  const { file, source, chosen, problems } = checked;
  if (problems.length > 0) throw problemsError(file, source.locate, problems);
  const environment = selected(checked, options);
  const { parsed, data, values } = chosen ?? {};
  // There are no problems, so it was accepted.
  if (!parsed || !data || !values) throw new Error(`${file} could not be checked`);
  return { ...checked, environment, parsed, data, values };
}

function configOf({ file, source, named, environments, chosen, environment, parsed, data }: ValidConfig): Config {
  const others = environments.filter((each) => each !== chosen).map(({ parsed }) => parsed && sourcesOf(parsed));
  return normalizeConfig(file, parsed, {
    environment,
    environments: named,
    isElsewhere: (name) => others.some((sources) => sources === undefined || sources.has(name)),
    secrets: data.secrets,
    references: referencesOf(data),
    locate: (path) => source.locate(data.writtenAt(path)),
  });
}

function referencesOf({ uses }: EnvironmentData): ValueReference[] {
  return [...uses.values()].flat().map(({ path, kind, name, found: { value, isSecret } }) => ({
    // What an environment says of a service is the service's.
    path: path[0] === 'environments' && path[2] === 'services' ? path.slice(2) : path,
    name: `${kind}.${name}`,
    value,
    isSecret,
  }));
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
 * @throws CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS, CONFIG_SYNTAX, CONFIG_INVALID, CONFIG_INPUT, ENVIRONMENT_UNKNOWN
 */
export async function loadPlace(pathOrFolder: string, environment?: string): Promise<Place> {
  const checked = await checkConfig(pathOrFolder, { environment });
  const { file, source, problems } = checked;
  const fault = problems.length === 0 ? undefined : problemsError(file, source.locate, problems);
  return { ...placeOf(checked, { environment }), folder: dirname(file), fault };
}

/** A configuration file as it was read, with all that is wrong in it. */
interface CheckedConfig {
  file: string;
  source: SourceFile;
  named: NamedEnvironment[];
  environments: CheckedEnvironment[];
  /** Undefined where none is meant, or none of that name is there. */
  chosen: CheckedEnvironment | undefined;
  problems: Problem[];
}

async function checkConfig(pathOrFolder: string, options: LoadOptions): Promise<CheckedConfig> {
  const file = await findConfig(pathOrFolder);
  const source = await readConfigFile(file, options.environment ?? 'local');
  const { data } = source;
  const names = namesOf(data);
  const wanted = options.environment ?? defaultEnvironment(names);
  const instead = options.environment === undefined && options.orFirst ? names[0] : undefined;
  const name = names.includes(wanted) ? wanted : instead;
  const environments: CheckedEnvironment[] = [];
  for (const each of names.length === 0 ? [undefined] : names)
    environments.push(await checkEnvironment(source, each, { isChosen: each === name }));
  const chosen = environments.find((each) => each.name === name);
  const settings = Object.assign({}, ...environments.map(({ parsed }) => parsed?.environments));
  const own = [
    ...environments.flatMap(({ problems }) => problems),
    ...(chosen?.missing ?? []),
    ...rootProblems(settings, dirname(file)),
    ...(source.forEnvironment ? [] : unusedValues(data)),
  ];
  const told = new Set(own.map((problem) => keyText(problem.path)));
  const general = [...source.problems, ...prototypeProblems(data)].filter(({ path }) => !told.has(keyText(path)));
  const problems = unique([...own, ...general]).map((problem) => placed(problem, source));
  const named = names.map((each) => ({ name: each, target: targetOf(data, each) }));
  return { file, source, named, environments, chosen, problems };
}

/** The names of all environments, or of the one that is implied; none where they are no map. */
function namesOf(data: unknown): string[] {
  if (!isMap(data) || data.environments === undefined) return ['local'];
  return isMap(data.environments) ? Object.keys(data.environments) : [];
}

function targetOf(data: unknown, name: string): 'local' | 'aws' {
  const settings = isMap(data) && isMap(data.environments) ? data.environments[name] : undefined;
  return isMap(settings) && settings.target === 'aws' ? 'aws' : 'local';
}

/** What is wrong in each environment is told once. */
function unique(problems: readonly Problem[]): Problem[] {
  return [
    ...new Map(problems.map((each) => [`${keyText(each.path)}\0${each.expected}\0${each.found}`, each])).values(),
  ];
}

function placed(problem: Problem, { find }: SourceFile): Problem {
  return problem.excerpt === undefined ? problem : { ...problem, position: find(problem.path, problem.excerpt) };
}

/** The name of the environment that was checked as the chosen one. @throws ENVIRONMENT_UNKNOWN */
function selected({ chosen, named, file }: CheckedConfig, { environment }: LoadOptions): string {
  return (
    chosen?.name ??
    selectEnvironment(
      named.map(({ name }) => name),
      file,
      environment,
    )
  );
}

/** The name and the chosen environment, as if the configuration had nothing else. @throws what is wrong with these */
function placeOf(checked: CheckedConfig, options: LoadOptions): Pick<Place, 'name' | 'environment'> {
  const { file, source, chosen, problems } = checked;
  const environment = checked.named.length === 0 ? undefined : selected(checked, options);
  const isNeeded = ({ path: [top, second, third], nearest }: Problem) =>
    top === undefined ||
    top === 'name' ||
    // A misspelt one is missing, and its default would be another place.
    (second === undefined && (nearest === 'name' || nearest === 'environments')) ||
    (top === 'environments' && (second === undefined || second === environment) && !isOfServices(third));
  const needed = problems.filter(isNeeded);
  if (needed.length > 0) throw problemsError(file, source.locate, needed);
  const { name, environments } = isMap(chosen?.data?.data) ? chosen.data.data : {};
  const settings = isMap(environments) && environment !== undefined ? environments[environment] : undefined;
  const { services: _, values: __, ...own } = isMap(settings) ? settings : { target: 'local' };
  const part = { name, packages: {}, environments: { [environment ?? '']: own } };
  const { config } = parseConfig(configSchema, part);
  if (!config || environment === undefined) throw problemsError(file, source.locate, problems);
  const folder = dirname(file);
  return {
    name: config.name,
    environment: normalizeEnvironment(environment, config.environments?.[environment], folder),
  };
}

/** What an environment says of what is deployed, not of where. */
function isOfServices(key: string | number | undefined): boolean {
  return key === 'services' || key === 'values';
}
