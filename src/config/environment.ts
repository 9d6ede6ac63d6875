import { PrestageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';

/** The name of the environment that is meant, out of those there are. @throws ENVIRONMENT_UNKNOWN */
export function selectEnvironment(names: readonly string[], file: string, name?: string): string {
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
