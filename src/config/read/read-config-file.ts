import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { errnoOf, PrestageError } from '../../core/errors.js';
import { shownPath } from '../../core/shown-path.js';
import type { SourceFile } from './source-file.js';

/**
 * Reads a configuration file by its ending; a program is run for an environment. What reads a format is loaded only for it.
 * @throws CONFIG_NOT_FOUND, CONFIG_SYNTAX
 */
export async function readConfigFile(file: string, environment: string): Promise<SourceFile> {
  const text = (await readText(file)).replace(/^\uFEFF/, '');
  switch (extname(file)) {
    case '.yaml':
    case '.yml':
      return (await import('./read-yaml.js')).readYaml(file, text);
    case '.json':
      return readJsonText(file, text);
    default:
      return (await import('./read-module.js')).readModule(file, text, environment);
  }
}

/** JSON with the line of each key, by a parser that is loaded only for it. @throws CONFIG_SYNTAX */
export async function readJsonText(file: string, text: string): Promise<SourceFile> {
  return (await import('./read-json.js')).readJson(file, text);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new PrestageError('CONFIG_NOT_FOUND', `${shownPath(file)} cannot be read (${errnoOf(cause)}).`, {
      hint: 'Check that it is a file, where it leads if it is a link, and who may read it.',
      context: { file },
      cause,
    });
  }
}
