import { PrestageError } from '../core/errors.js';
import type { PackagePlan } from '../plan/index.js';

/** The password of a package's archives, from the variable that it names. @throws LOGIN_SETTINGS where that is not set */
export function passwordOf({ id, password }: PackagePlan, env = process.env): string | undefined {
  if (password === undefined) return undefined;
  const { fromEnv } = password;
  const value = env[fromEnv];
  if (value !== undefined && value !== '') return value;
  throw new PrestageError(
    'LOGIN_SETTINGS',
    `The variable ${fromEnv}, which has the password of package ${id}, is not set.`,
    {
      hint: 'Set it where the command runs, and run the same command again. Its name is from `password` in the configuration.',
      context: { variable: fromEnv, package: id },
    },
  );
}
