import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { shownPath } from '../core/shown-path.js';

/** A patch of a series: `strip` where its line says `-pN`. */
export interface SeriesPatch {
  path: string;
  strip: number | undefined;
}

export interface Series {
  patches: SeriesPatch[];
  /** What is wrong with it, where something is. */
  fault?: string;
}

/**
 * The patches that a path stands for, absolute: a quilt series (a file named `series`, or a folder that holds one) is
 * its patches in order, relative to the series file; anything else is one patch. Fails as stat does where there is nothing.
 */
export async function expandPatches(path: string): Promise<Series> {
  const file = (await stat(path)).isDirectory() ? join(path, 'series') : path;
  if (basename(file) !== 'series') return { patches: [{ path, strip: undefined }] };
  const { patches, fault } = parseSeries(await readFile(file, 'utf8'));
  if (fault !== undefined) return { patches: [], fault: `${fault} in ${shownPath(file)}` };
  return { patches: patches.map((patch) => ({ ...patch, path: resolve(dirname(file), patch.path) })) };
}

/** quilt(1): a patch a line, with options after it; `#` begins a comment. */
export function parseSeries(text: string): Series {
  const patches: SeriesPatch[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const [path = '', ...options] = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    if (path === '') continue;
    let strip: number | undefined;
    for (const option of options) {
      const [, digits] = /^-p(\d{1,3}|ab)$/.exec(option) ?? [];
      if (digits === undefined) return { patches: [], fault: `the option ${option} on line ${i + 1}` };
      // quilt's -pab is -p1 with other names in the headers.
      strip = digits === 'ab' ? 1 : Number(digits);
    }
    patches.push({ path, strip });
  }
  return patches.length === 0 ? { patches, fault: 'no patch' } : { patches };
}
