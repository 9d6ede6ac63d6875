import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { SourceFile } from './source-file.js';

/** Reads a configuration file by its ending. What reads a format is loaded only for it. @throws CONFIG_SYNTAX */
export async function readConfigFile(file: string): Promise<SourceFile> {
  const text = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '');
  switch (extname(file)) {
    case '.yaml':
    case '.yml':
      return (await import('./read-yaml.js')).readYaml(file, text);
    case '.json':
      return (await import('./read-json.js')).readJson(file, text);
    default:
      return (await import('./read-module.js')).readModule(file, text);
  }
}
