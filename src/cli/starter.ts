import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { errnoOf, PrestageError } from '../core/errors.js';
import { installedFile } from '../core/installation.js';

const SCHEMA = 'schema/prestage.schema.json';
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
    await writeFile(target, path === 'prestage.config.yaml' ? await adapted(content.toString(), folder) : content, {
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
  throw new PrestageError(
    'FILE_EXISTS',
    `These are already in ${folder}: ${existing.join(', ')}. Nothing was written.`,
    {
      hint: 'Name a new or empty folder (`prestage init portal`), or move these away first.',
    },
  );
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

async function adapted(config: string, folder: string): Promise<string> {
  return named(config, folder).replace(/\$schema=.*/, `$schema=${await schemaFrom(folder)}`);
}

/** The schema's place as an editor finds it: in the nearest node_modules that has it, else that of this installation. */
async function schemaFrom(folder: string): Promise<string> {
  const start = await realpath(folder);
  const around = foldersAround(start).map((above) => join(above, 'node_modules/prestage', SCHEMA));
  const found = around.find((path) => existsSync(path)) ?? (await realpath(installedFile(SCHEMA)));
  const path = relative(start, found).split(sep).join('/');
  return path.startsWith('.') || isAbsolute(path) ? path : `./${path}`;
}

/** The folder itself, and those above it, the nearest first. */
function foldersAround(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...foldersAround(parent)];
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
