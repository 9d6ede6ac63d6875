import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Resolved } from '../config/index.js';
import { PrestageError } from '../core/errors.js';

/**
 * Writes what `deploy` would hand to a worker and to hosts, for a person to review: `release.json` (the recipes, every
 * input by its digest), `services.json`, and under `scripts/` what hosts would run.
 */
export async function writeReview(folder: string, { plan, services, inputs }: Resolved): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'release.json'), `${JSON.stringify(plan, null, 2)}\n`);
  await writeFile(join(folder, 'services.json'), `${JSON.stringify(services, null, 2)}\n`);
  for (const script of plan.scripts) {
    const location = inputs[script.sha256];
    if (location?.kind !== 'file')
      throw new PrestageError('INTERNAL', `The script ${script.path} has no file to read.`);
    const path = join(folder, 'scripts', script.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await readFile(location.path), { mode: 0o755 });
  }
}
