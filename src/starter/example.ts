import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { asPrestageError, errnoOf, PrestageError } from '../core/errors.js';
import { installedFile } from '../core/installation.js';
import { asName } from './names.js';

const SCHEMA = 'schema/prestage.schema.json';
const CONFIG = 'prestage.config.yaml';
const CONFIG_NAMES = ['ts', 'js', 'mjs', 'json', 'yaml', 'yml'].map((extension) => `prestage.config.${extension}`);

/** What the scripts are called, which serve any configuration; the other files are the example's that the starter deploys. */
const SCRIPT = /^[^/]+\.(sh|ps1)$/;

/** Not among the templates: npm packs no file of that name. Here are the local target's root and caches, and what npm installs. */
const IGNORE = { path: '.gitignore', content: '.prestage/\nnode_modules/\n' };

export interface Starter {
  /** What was written, relative, with forward slashes. */
  files: string[];
  /** What was there already, and stays as it is. */
  left: string[];
}

/**
 * Writes into `folder` what is missing of the starter project; beside a configuration that is there, its scripts alone.
 * @param config the text of a configuration, instead of the example and its files
 * @throws FILE_EXISTS before anything is written, where a file is in the place of a folder
 */
export async function writeStarter(folder: string, config?: string): Promise<Starter> {
  const templates = installedFile('templates/init');
  const all = await filesUnder(templates);
  const configs = await thereOf(folder, CONFIG_NAMES);
  const scripts = all.filter((path) => SCRIPT.test(path));
  const example = config === undefined ? all : [CONFIG, ...scripts];
  const wanted = configs.length === 0 ? [IGNORE.path, ...example] : scripts;
  const there = await thereOf(folder, wanted);
  const files = wanted.filter((path) => !there.includes(path));
  for (const path of files) {
    const content = path === IGNORE.path ? Buffer.from(IGNORE.content) : await contentOf(path, { templates, config });
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    // A package's files may have lost their modes on the way here.
    const mode = content.subarray(0, 2).toString() === '#!' ? 0o755 : 0o644;
    await writeFile(target, path === CONFIG ? await adapted(content.toString(), folder) : content, {
      flag: 'wx',
      mode,
    });
  }
  return { files, left: [...there, ...configs].sort() };
}

async function contentOf(
  path: string,
  { templates, config }: { templates: string; config: string | undefined },
): Promise<Buffer> {
  return path === CONFIG && config !== undefined ? Buffer.from(config) : readFile(join(templates, path));
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return files.map((path) => path.split(sep).join('/')).sort();
}

async function thereOf(folder: string, paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(async (path) => ((await exists(folder, path)) ? [path] : [])));
  return found.flat();
}

async function exists(folder: string, path: string): Promise<boolean> {
  try {
    await lstat(join(folder, path));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    if (errnoOf(error) !== 'ENOTDIR') throw asPrestageError(error, { path: join(folder, path) });
    throw new PrestageError(
      'FILE_EXISTS',
      `A file is where ${join(folder, dirname(path))} would be a folder. Nothing was written.`,
      {
        hint: 'Move it away, or name a new folder (`prestage init portal`).',
        context: { path: join(folder, dirname(path)) },
      },
    );
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
  const name = asName(basename(resolve(folder)));
  return name === '' ? config : config.replace(/^name: starter\b */m, (line) => `name: ${name} `.padEnd(line.length));
}
