import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../core/errors.js';
import { rm } from '../../core/held-files.js';
import { replaceFile } from '../../core/replace-file.js';
import { parseTrace, type Trace } from './trace.js';

/** Releases of an environment whose reports are kept. */
const KEPT = 10;

/** Where an environment's reports are: `<release>.html`, and beside it in `<release>.json` what only its deployment knew. */
export function reportsFolder(configFolder: string, environment: string): string {
  return join(configFolder, '.prestage', 'reports', environment);
}

export function reportPath(folder: string, release: string): string {
  return join(folder, `${release}.html`);
}

/** The traces that are kept, the newest first. */
export async function readTraces(folder: string): Promise<Trace[]> {
  const files = await filesByAge(folder, '.json');
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8').catch(() => '')));
  return texts.flatMap((text) => parseTrace(text) ?? []);
}

export async function writeTrace(folder: string, trace: Trace): Promise<void> {
  await makeFolder(folder);
  // Neither file is flushed: that can take seconds on a busy disk, and nothing but a report is lost with them.
  replaceFile(join(folder, `${trace.release}.json`), JSON.stringify(trace));
}

/** A report shows what is in files, which others of this machine need not read. @returns its path */
export async function writePage(folder: string, release: string, page: string): Promise<string> {
  await makeFolder(folder);
  const path = reportPath(folder, release);
  replaceFile(path, page);
  for (const extension of ['.html', '.json'])
    for (const old of (await filesByAge(folder, extension)).slice(KEPT)) await rm(old, { force: true });
  return path;
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
}

async function filesByAge(folder: string, extension: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const paths = names.filter((name) => name.endsWith(extension)).map((name) => join(folder, name));
  const aged = await Promise.all(paths.map(async (path) => ({ path, at: await changedAt(path) })));
  return aged.sort((a, b) => b.at - a.at).map(({ path }) => path);
}

/** Long ago where another command has just removed it. */
async function changedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
