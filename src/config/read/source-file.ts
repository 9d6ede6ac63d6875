/** A place in the configuration: `['packages', 'installer', 'steps', 0, 'patch']`. */
export type KeyPath = readonly (string | number)[];

/** What a configuration file says, and where it says it. */
export interface SourceFile {
  data: unknown;
  /**
   * The line (from 1) of the key or list item at a path, or of the nearest one above it that is there; undefined where
   * even that is not known.
   */
  locate: (path: KeyPath) => number | undefined;
  /** What the format itself would misread, found while the text was at hand. */
  problems: { path: KeyPath; expected: string; found: string }[];
}

/** The line (from 1) of an offset in a text. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
