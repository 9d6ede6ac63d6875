import { isAbsolute, relative } from 'node:path';

/** A path as messages show it: relative to the working folder where it lies in it, so that it can be clicked and typed. */
export function shownPath(path: string): string {
  const shown = relative(process.cwd(), path);
  return shown === '' || shown.startsWith('..') || isAbsolute(shown) ? path : shown;
}
