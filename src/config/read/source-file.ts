/** A place in the configuration: `['packages', 'installer', 'steps', 0, 'patch']`. */
export type KeyPath = readonly (string | number)[];

/** Both from 1. */
export interface Position {
  line: number;
  column: number;
}

/** What a configuration file says, and where it says it. */
export interface SourceFile {
  data: unknown;
  /** Makes it for an environment, where the file is a program that does: `data` is then for the one that was named. */
  forEnvironment?: ForEnvironment;
  /**
   * The line (from 1) of the key or list item at a path, or of the nearest one above it that is there; undefined where
   * even that is not known.
   */
  locate: (path: KeyPath) => number | undefined;
  /** Where a part of the text, or of the key, at a path is; undefined where it is not written there as it is. */
  find: (path: KeyPath, excerpt: string) => Position | undefined;
  /** What the format itself would misread, found while the text was at hand. */
  problems: { path: KeyPath; expected: string; found: string }[];
}

/** Without `values`: what it makes while none is known. */
export type ForEnvironment = (environment: string, values?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** The first place of a part of a text between two offsets. */
export function positionOf(
  text: string,
  [start, end]: readonly [number, number],
  excerpt: string,
): Position | undefined {
  const offset = text.slice(start, end).indexOf(excerpt) + start;
  if (offset < start) return undefined;
  return { line: lineAt(text, offset), column: offset - text.lastIndexOf('\n', offset - 1) };
}

/** The line (from 1) of an offset in a text. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
