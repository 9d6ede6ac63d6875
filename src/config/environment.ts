import { PrestageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import type { Environment } from '../plan/index.js';
import type { Config } from './config.js';

/** The environment of that name; without a name the only one there is, or `local`. @throws ENVIRONMENT_UNKNOWN */
export function selectEnvironment(config: Config, name?: string): Environment {
  const names = config.environments.map((environment) => environment.name);
  const chosen = chooseEnvironment(names, config.file, name);
  return config.environments.find((environment) => environment.name === chosen) as Environment;
}

/** The name of the environment that is meant, out of those there are. @throws ENVIRONMENT_UNKNOWN */
export function chooseEnvironment(names: readonly string[], file: string, name?: string): string {
  const wanted = name ?? defaultEnvironment(names);
  if (names.includes(wanted)) return wanted;
  if (name === undefined) {
    throw new PrestageError(
      'ENVIRONMENT_UNKNOWN',
      `There are ${names.length} environments, none of them is called local: ${names.join(', ')}.`,
      { hint: 'Name one: --env NAME.', context: { file } },
    );
  }
  const meant = nearest(name, names);
  throw new PrestageError(
    'ENVIRONMENT_UNKNOWN',
    `There is no environment ${name}; there ${names.length === 1 ? 'is' : 'are'}: ${names.join(', ')}.`,
    {
      hint: meant === undefined ? 'Name one of these, or add it under `environments`.' : `Did you mean --env ${meant}?`,
      context: { file, expected: names.join(', '), found: name },
    },
  );
}

/** The environment that is meant where none is named, whether or not it is there. */
export function defaultEnvironment(names: readonly string[]): string {
  const [only, ...others] = names;
  return only !== undefined && others.length === 0 ? only : 'local';
}
