import { copyFile, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { sha256, shortDigest } from '../../core/digest.js';
import { rename, rm } from '../../core/held-files.js';

/** In a trial's folder: it has ended, and what is there is its logs. */
const ENDED = '.ended';
/** In a trial's folder: the logs of roots that are destroyed already. */
const ASIDE = '.logs';

/** A new folder for a trial of the project in `configFolder`. Logs of its earlier trials, which have ended, are removed. */
export async function openTrialFolder(configFolder: string): Promise<string> {
  const prefix = `prestage-test-${shortDigest(sha256(configFolder))}-`;
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
  // Another user's may not be read, and is not ours to remove.
  for (const folder of names.map((name) => join(tmpdir(), name)))
    if ((await readdir(folder).catch((): string[] => [])).includes(ENDED))
      await rm(folder, { recursive: true, force: true });
  return mkdtemp(join(tmpdir(), prefix));
}

/** Copies the logs in a root, which is about to be destroyed. */
export async function setLogsAside(folder: string, root: string): Promise<void> {
  for (const log of await logsIn(join(folder, root))) {
    const copy = join(folder, ASIDE, root, log);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(join(folder, root, log), copy);
  }
}

/** Where to put a log of a root that is no folder, and is about to be destroyed. */
export async function asidePath(folder: string, root: string, log: string): Promise<string> {
  await mkdir(join(folder, ASIDE, root), { recursive: true });
  return join(folder, ASIDE, root, log);
}

/** Ends a trial: nothing is left of it but the logs, at the paths that they had. */
export async function keepLogsOnly(folder: string): Promise<void> {
  const aside = join(folder, ASIDE);
  const roots = await readdir(aside).catch(() => []);
  for (const name of await readdir(folder))
    if (name !== ASIDE) await rm(join(folder, name), { recursive: true, force: true });
  for (const root of roots) await rename(join(aside, root), join(folder, root));
  await rm(aside, { recursive: true, force: true });
  await writeFile(join(folder, ENDED), '');
}

/** Where the local target keeps them (docs/local-target.md); a host's working folder may have any names. */
const LOGS = /^(hosts\/[^/]+\/host\.log(\.1)?|runs\/[^/]+\/(events\.ndjson|worker\.log)|database\/server\.log)$/;

async function logsIn(root: string): Promise<string[]> {
  const below = ['hosts', 'runs', 'database'].map(async (folder) => {
    const names = await readdir(join(root, folder), { recursive: true }).catch(() => []);
    return names.map((name) => `${folder}/${name.split(sep).join('/')}`);
  });
  return (await Promise.all(below)).flat().filter((name) => LOGS.test(name));
}
