import type { Tree } from '../../tree/tree.js';
import type { ChangedFiles } from './changed-files.js';

/** What one part of a patch is applied to, and how. */
export interface PartJob {
  /** The patch's name, for errors. */
  patch: string;
  strip: number;
  fuzz: number;
  /** What is applied already, or has no file, is passed over. */
  optional: boolean;
  files: ChangedFiles;
  tree: Tree;
}
