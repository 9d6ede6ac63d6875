import type { ArchiveLimits, RecipeStep, StepOf } from '../../plan/index.js';
import type { Remark } from '../tree/acceptance.js';
import type { Tree } from '../tree/tree.js';

/** What a step works with. */
export interface StepContext {
  tree: Tree;
  /** What an archive in the package may hold at most. */
  limits?: ArchiveLimits | undefined;
  /** For encrypted archives in the package. */
  password?: string | undefined;
  /** The bytes of a file input, by its SHA-256. */
  readInput(sha256: string): Promise<Buffer>;
  /** The absolute path, on this machine, of a folder input, by its listing's SHA-256. */
  folderInput(sha256: string): Promise<string>;
  /** Called with what there is to say of an archive that broke rules. */
  onRemarks?: ((archive: string, remarks: readonly Remark[]) => void) | undefined;
  signal: AbortSignal;
}

/** What a step did. */
export interface StepOutcome {
  /** Files (and links) that are other than before: changed, created or removed. */
  files: number;
  /** What the step counts: places, keys, hunks, files. 0: it changed nothing. */
  changes: number;
  /** For people: "3 places in 2 files". */
  summary: string;
  /** Where nothing changed, why, and what would help. */
  nothing?: { reason: string; hint: string };
}

/** One kind of step. It throws for what is wrong even with `optional: true`; that nothing changed, it only says. */
export type ApplyStep<K extends RecipeStep['kind']> = (step: StepOf<K>, context: StepContext) => Promise<StepOutcome>;

/** `1 file`, `2 files` */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
