import { createRequire } from 'node:module';
import { failed, ok, type Verdict } from '../../checks/finding.js';
import { awsPackages, howToInstallAwsPackages } from '../api/aws-packages.js';

/** Whether these packages are there: looked for, not loaded, which would take seconds. */
export function checkPackages(from: string = import.meta.url): Verdict {
  const require = createRequire(from);
  const missing = awsPackages()
    .map(({ name }) => name)
    .filter((name) => !isInstalled(require, name));
  if (missing.length === 0) return ok('The packages that deploy to AWS are installed.');
  return failed(
    `The packages that deploy to AWS are not all installed: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`,
    `${howToInstallAwsPackages()}.`,
  );
}

function isInstalled(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch (error) {
    // It is there, and only says that require() is not the way in.
    return (error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
  }
}
