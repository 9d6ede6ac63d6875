import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, PrestageError, withoutCredentials } from '../core/errors.js';
import { rm } from '../core/held-files.js';
import { type InputLocations, isRemote, releasePlan } from '../plan/index.js';
import type { Resolved } from '../resolve/index.js';
import type { ReviewFile } from '../targets/index.js';

/** All that a review is made of; `release.json` comes first, so that one that was cut short is known as a review too. */
const PARTS = ['release.json', 'services.json', 'job.json', 'scripts', 'target'];

/**
 * Writes what `deploy` would hand to a worker and to hosts, for a person to review: `release.json` (the recipes, every
 * input by its digest), `services.json`, `job.json` (what the worker is told: the release and where its inputs are,
 * without credentials), under `scripts/` what hosts would run, and under `target/` what else the target would make. Only its owner may read it: variables of services and
 * values of steps may be passwords. An earlier review there is replaced as a whole.
 * @throws USAGE where `folder` is a file; FILE_EXISTS where it holds anything else than a review
 */
export async function writeReview(
  folder: string,
  { plan, services, inputs }: Resolved,
  ofTarget: readonly ReviewFile[] = [],
): Promise<void> {
  await clearReview(folder);
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, value: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  await write('release.json', plan);
  await write('services.json', services);
  await write('job.json', { plan, inputs: shareable(inputs) });
  for (const script of plan.scripts) {
    const location = inputs[script.sha256];
    if (location?.kind !== 'file')
      throw new PrestageError('INTERNAL', `The script ${script.path} has no file to read.`);
    const path = join(folder, 'scripts', script.path);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, await readFile(location.path), { mode: 0o700 });
  }
  for (const { path, content } of ofTarget) {
    const file = join(folder, 'target', path);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, content, { flag: 'wx', mode: 0o600 });
  }
}

/** What an earlier plan had and this one has not would be reviewed as if it were deployed. */
async function clearReview(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names.length === 0) return;
  const foreign = names.filter((name) => !PARTS.includes(name));
  if (foreign.length > 0 || !(await isReview(folder)))
    throw new PrestageError('FILE_EXISTS', `${folder} holds something other than a review. Nothing was written.`, {
      hint: 'Name a new or empty folder, or that of an earlier review, which is replaced.',
      context: { path: folder, existing: names },
    });
  await chmod(folder, 0o700);
  for (const part of [...PARTS].reverse()) await rm(join(folder, part), { recursive: true, force: true });
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return [];
    if (code !== 'ENOTDIR') throw error;
    throw new PrestageError('USAGE', `${folder} is not a folder, and a review is one. Nothing was written.`, {
      hint: 'Give `--out` a new or empty folder.',
      context: { path: folder },
    });
  }
}

async function isReview(folder: string): Promise<boolean> {
  try {
    return releasePlan.safeParse(JSON.parse(await readFile(join(folder, 'release.json'), 'utf8'))).success;
  } catch {
    return false;
  }
}

/** A signed URL is a credential; a review is handed around. */
function shareable(inputs: InputLocations): InputLocations {
  return Object.fromEntries(
    Object.entries(inputs).map(([digest, location]) => [
      digest,
      isRemote(location) ? { ...location, url: withoutCredentials(location.url) } : location,
    ]),
  );
}
