/**
 * The store: trees, releases and `current` on a file system that many machines share (docs/store-format.md). Whatever
 * has its final name here is complete and flushed; nothing in it is ever changed.
 */

export { type ChangedTree, changedTrees, forgetTree } from './changed-trees.js';
export { createFlusher, type Flusher } from './flusher.js';
export { leadFolderLink, makeFolder } from './folders.js';
export { acquireLease, inspectLease } from './lease.js';
export { newRunId, storePaths } from './paths.js';
export { choosePrunable, executePrune, planPrune } from './prune.js';
export { publishFile } from './publish-file.js';
export { type ReleaseRecord, releaseRecord } from './release-record.js';
export {
  currentRelease,
  findScript,
  listReleases,
  publishRelease,
  readRelease,
  releaseIds,
  setCurrent,
} from './releases.js';
export { removeAll } from './remove.js';
export type { Difference, PrunePlan, VerifyReport } from './report.js';
export { spaceAvailable } from './space.js';
export { collectLeftovers, openStaging } from './staging.js';
export type { TreeEntry } from './tree-entry.js';
export { hasTrees, publishTree, readTree, readTreeSummary, treeNames } from './trees.js';
export { verifyStore } from './verify.js';
