/** What `verify` found, as data. */
export interface VerifyReport {
  releases: string[];
  /** Entries that were compared with a manifest or a record. */
  checked: number;
  differences: Difference[];
}

export interface Difference {
  /** The package's id, or '' for what belongs to a release as a whole. */
  package: string;
  /** Relative to the tree, or to the store's root where it is not in a tree. */
  path: string;
  /** The tree, of what is in one. */
  tree?: string;
  /** The releases that have it; empty for `current`. */
  releases: string[];
  /** The full path. */
  file: string;
  kind: 'missing' | 'extra' | 'type' | 'mode' | 'size' | 'digest' | 'link' | 'manifest' | 'record';
  expected?: string;
  found?: string;
}

/** What `prune` would do, as data: computed first, shown or executed after. */
export interface PrunePlan {
  keep: { release: string; reason: string }[];
  remove: { release: string; createdAt: string }[];
  /** Trees that no kept release holds, with their sizes in bytes where they are known. */
  trees: { tree: string; bytes: number }[];
  /** What was wrong and was moved out of the way; `path` from the root. */
  aside: { path: string; bytes: number }[];
  bytes: number;
}

/** What differs, without where. */
export type Finding = Pick<Difference, 'kind' | 'expected' | 'found'>;
