// What dist/ is built from.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A digest of all that the build reads of this repository, and of the versions that it builds with. */
export async function digestOfInputs() {
  const sources = (await readdir('src', { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = sources
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.endsWith('.test.ts'));
  const hash = createHash('sha256');
  for (const path of [
    ...paths.sort(),
    'scripts/build-inputs.mjs',
    'scripts/build-types.mjs',
    'scripts/build.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'package-lock.json',
  ]) {
    hash.update(`${path}\0`).update(await readFile(path));
  }
  return hash.digest('hex');
}

/** Whether what has this stamp was built from these inputs. */
export async function isBuiltFrom(inputs, stamp) {
  return (await readFile(stamp, 'utf8').catch(() => '')) === inputs;
}
