import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { errnoOf, PrestageError } from '../core/errors.js';
import { installedFile } from '../core/installation.js';

const CONFIG_NAMES = ['ts', 'js', 'mjs', 'json', 'yaml'].map((extension) => `prestage.config.${extension}`);

/**
 * Writes the starter project into `folder`, and gives its files, relative, with forward slashes.
 * @throws FILE_EXISTS before anything is written, where one of them, or a configuration, is there
 */
export async function writeStarter(folder: string): Promise<string[]> {
  const templates = installedFile('templates/init');
  const paths = await filesUnder(templates);
  await refuseToOverwrite(folder, [...paths, ...CONFIG_NAMES]);
  for (const path of paths) {
    const content = await readFile(join(templates, path));
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    // A package's files may have lost their modes on the way here.
    const mode = content.subarray(0, 2).toString() === '#!' ? 0o755 : 0o644;
    await writeFile(target, path === 'prestage.config.yaml' ? named(content.toString(), folder) : content, {
      flag: 'wx',
      mode,
    });
  }
  return paths;
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return files.map((path) => path.split(sep).join('/')).sort();
}

async function refuseToOverwrite(folder: string, paths: readonly string[]): Promise<void> {
  const found = await Promise.all(
    [...new Set(paths)].map(async (path) => ((await exists(join(folder, path))) ? [path] : [])),
  );
  const existing = found.flat();
  if (existing.length === 0) return;
  throw new PrestageError('FILE_EXISTS', `There already in ${folder}: ${existing.join(', ')}. Nothing was written.`, {
    hint: 'Name a new or empty folder (`prestage init portal`), or move these away first.',
    context: { existing },
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    // A file in the place of a folder (ENOTDIR) is in the way as well.
    return errnoOf(error) !== 'ENOENT';
  }
}

/** The project is called like its folder, as far as that is a name. */
function named(config: string, folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 31);
  return name === '' ? config : config.replace(/^name: starter\b */m, (line) => `name: ${name} `.padEnd(line.length));
}
