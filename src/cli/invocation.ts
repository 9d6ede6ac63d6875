import { basename, isAbsolute, relative } from 'node:path';

/**
 * How Prestage is called again, by the same user: as one file by its path; through npx where npm or npx are around it, since then it
 * is likely on no PATH.
 * @param script what Node was started with
 */
export function invocation(env: Readonly<Record<string, string | undefined>>, script = process.argv[1] ?? ''): string {
  if (/^prestage.*\.mjs$/.test(basename(script))) return `node ${shellWord(nearPath(script))}`;
  return env.npm_execpath || env.npm_command || env.npm_lifecycle_event ? 'npx prestage' : 'prestage';
}

/** A word of a command line as a shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** From the working folder, where that does not lead out of it. */
function nearPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || isAbsolute(near) ? path : near;
}
