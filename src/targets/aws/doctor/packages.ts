import { createRequire } from 'node:module';
import { failed, ok, type Verdict } from '../../checks/finding.js';

const PACKAGES = ['aws-cdk-lib', 'constructs', '@aws-cdk/toolkit-lib'];

/** Whether the optional packages are there: looked for, not loaded, which would take seconds. */
export function checkPackages(from: string = import.meta.url): Verdict {
  const require = createRequire(from);
  const missing = PACKAGES.filter((name) => !isInstalled(require, name));
  if (missing.length === 0) return ok('The packages that deploy to AWS are installed.');
  return failed(
    `The packages that deploy to AWS are not all installed: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`,
    'Install Prestage with its optional dependencies (`npm install`, without --omit=optional).',
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
