import { mapBounded } from '../../../core/bounded.js';
import { type ReleaseRecord, releaseRecord } from '../../../store/index.js';
import type { Bucket } from './bucket.js';
import { indexKeys } from './layout.js';

/** What the store of a file system holds, as its last writer saw it. */
export interface StoreIndex {
  trees: ReadonlySet<string>;
  /** Oldest first. */
  releases: ReleaseRecord[];
}

/** Requests that are under way at once. */
const IN_FLIGHT = 16;

/** Reads the index: a listing for a thousand trees, and a request for each release. */
export async function readIndex(bucket: Bucket, fileSystemId: string): Promise<StoreIndex> {
  const { trees, releases } = indexKeys(fileSystemId);
  const [treeKeys, releaseKeys] = await Promise.all([bucket.list(trees), bucket.list(releases)]);
  const records = await mapBounded(
    releaseKeys,
    IN_FLIGHT,
    async (key) => (await bucket.getJson(key, releaseRecord))?.value,
  );
  return {
    trees: new Set(treeKeys.map((key) => key.slice(trees.length))),
    releases: records
      .filter((record) => record !== undefined)
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0)),
  };
}
