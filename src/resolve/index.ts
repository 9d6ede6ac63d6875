/** A configuration with every input pinned by digest: the plan of a release, and where its inputs are. */

export { demandSources, type Resolved, resolve, writeLockfile } from './resolve.js';
export { expandPatches } from './series.js';
