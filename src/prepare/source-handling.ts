import { type InputLocations, isRemote, type PackagePlan, type Recipe } from '../config/index.js';
import { PrestageError } from '../core/errors.js';
import { recogniseFile } from './archives/index.js';
import { existingSize } from './sources/local-size.js';

/** What preparation will do with a package's source, in words, as far as that is known before it is read. */
export async function sourceHandling({ recipe }: PackagePlan, inputs: InputLocations): Promise<string> {
  const { source, extract } = recipe;
  if (source.kind === 'folder') return 'copy the folder';
  if (extract === false) return 'keep as a file';
  if (extract === 'single') return 'keep as a file (`extract: true` unpacks it)';
  const path = await pathAtHand(inputs, source.sha256);
  const selection = extract === 'auto' ? '' : selected(extract);
  if (path === undefined)
    return extract === 'auto' ? 'unpack it, if its content is an archive' : `unpack it${selection}`;
  try {
    const format = await recogniseFile(path, source.name);
    if (format !== undefined) return `unpack as ${format}${selection}`;
    return extract === 'auto' ? 'keep as a file' : 'unpack it; but it is no archive that is supported';
  } catch (error) {
    if (!(error instanceof PrestageError)) throw error;
    return `unpack it; but ${error.message}`;
  }
}

function selected({ strip, include = [], exclude = [] }: Extract<Recipe['extract'], object>): string {
  return [
    ...(strip > 0 ? [`, strip ${strip}`] : []),
    ...(include.length > 0 ? [`, only ${include.join(' ')}`] : []),
    ...(exclude.length > 0 ? [`, without ${exclude.join(' ')}`] : []),
  ].join('');
}

async function pathAtHand(inputs: InputLocations, sha256: string): Promise<string | undefined> {
  const location = inputs[sha256];
  if (location === undefined || location.kind === 'packed' || location.kind === 'folder') return undefined;
  const path = isRemote(location) ? location.cached : location.path;
  return path !== undefined && (await existingSize(path)) !== undefined ? path : undefined;
}
