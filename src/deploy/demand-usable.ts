import { demandSources, type Resolved } from '../resolve/index.js';
import { placedError } from './placed-error.js';

/**
 * Sources that are to be prepared must be there, and be what they are called: what is known to fail is told before a worker
 * is started. `plan` and `deploy` say the same.
 * @throws CONFIG_FILE_MISSING; LOGIN_SETTINGS for a password that is not there; ARCHIVE_… of all packages
 */
export async function demandUsable(resolved: Resolved, ids: readonly string[]): Promise<void> {
  demandSources(resolved, ids);
  const packages = resolved.plan.packages.filter(({ id }) => ids.includes(id));
  if (packages.length === 0) return;
  const { passwordOf, refuseMistakenSources } = await import('../prepare/index.js');
  for (const item of packages) passwordOf(item);
  await refuseMistakenSources(packages, resolved.inputs).catch((error: unknown) => {
    throw placedError(error, resolved);
  });
}
