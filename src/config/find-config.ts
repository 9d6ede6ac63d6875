import { readdir, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { PrestageError } from '../core/errors.js';
import { shownPath } from '../core/shown-path.js';

const ENDINGS = ['ts', 'js', 'mjs', 'json', 'yaml', 'yml'];
const NAMES = new Set(ENDINGS.map((ending) => `prestage.config.${ending}`));

/** The configuration file at a path: the file itself, or the only one in the folder. @throws CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS */
export async function findConfig(pathOrFolder: string): Promise<string> {
  const path = resolve(pathOrFolder);
  const found = await stat(path).catch(() => undefined);
  if (!found) throw notFound(path, `There is nothing at ${shownPath(path)}.`);
  if (found.isDirectory()) return findInFolder(path);
  if (ENDINGS.includes(extname(path).slice(1))) return path;
  throw notFound(path, `${shownPath(path)} is not a configuration: its name must end in .${ENDINGS.join(', .')}.`);
}

async function findInFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => NAMES.has(name)).sort();
  const [only, ...others] = names;
  if (only === undefined)
    throw notFound(
      folder,
      `There is no configuration in ${shownPath(folder)}: no prestage.config.{${ENDINGS.join(',')}}.`,
    );
  if (others.length === 0) return join(folder, only);
  throw new PrestageError(
    'CONFIG_AMBIGUOUS',
    `There are ${names.length} configurations in ${shownPath(folder)}: ${names.join(', ')}.`,
    {
      hint: `Keep one of them, or name one: --config ${only}.`,
      context: { path: folder, found: names.join(', ') },
    },
  );
}

function notFound(path: string, message: string): PrestageError {
  return new PrestageError('CONFIG_NOT_FOUND', message, {
    hint: "Go to the project's folder or name its configuration with --config; `prestage init` writes one to start from.",
    context: { path },
  });
}
