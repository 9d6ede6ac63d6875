import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

declare const PRESTAGE_VERSION: string | undefined;

/** This Prestage's version; `0.0.0` where it runs from its sources, in unit tests. */
export const version: string = typeof PRESTAGE_VERSION === 'string' ? PRESTAGE_VERSION : '0.0.0';

/**
 * A file of the installed package, such as `dist/agent/agent.js`: whether this code runs from dist/, from one of its chunks,
 * or from src/, the package's folder is the nearest one above that has a package.json.
 */
export function installedFile(relative: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${fileURLToPath(import.meta.url)}`);
    folder = parent;
  }
  return join(folder, relative);
}
