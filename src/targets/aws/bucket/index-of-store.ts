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

export async function readIndex(bucket: Bucket, fileSystemId: string): Promise<StoreIndex> {
  const [trees, releases] = await Promise.all([listTrees(bucket, fileSystemId), readRecords(bucket, fileSystemId)]);
  return { trees, releases };
}

/** The names of the trees: a request for a thousand of them. */
export async function listTrees(bucket: Bucket, fileSystemId: string): Promise<ReadonlySet<string>> {
  const { trees } = indexKeys(fileSystemId);
  return new Set((await bucket.list(trees)).map((key) => key.slice(trees.length)));
}

/** The record of one release: its key is its name. */
export async function readRecord(
  bucket: Bucket,
  fileSystemId: string,
  release: string,
): Promise<ReleaseRecord | undefined> {
  return (await bucket.getJson(indexKeys(fileSystemId).release(release), releaseRecord))?.value;
}

/** The records of all releases, oldest first: a request for each. */
export async function readRecords(bucket: Bucket, fileSystemId: string): Promise<ReleaseRecord[]> {
  const keys = await bucket.list(indexKeys(fileSystemId).releases);
  const records = await mapBounded(keys, IN_FLIGHT, async (key) => (await bucket.getJson(key, releaseRecord))?.value);
  return records
    .filter((record) => record !== undefined)
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
}
