import { lstat, readlink } from 'node:fs/promises';
import { relative } from 'node:path';
import { forEachBounded, SharedLimit } from '../core/bounded.js';
import { asPrestageError, PrestageError } from '../core/errors.js';
import { storePaths } from './paths.js';
import { IN_FLIGHT, ifThere } from './reading.js';
import type { ReleaseRecord } from './release-record.js';
import { currentRelease, readRelease, releaseIds } from './releases.js';
import type { Difference, VerifyReport } from './report.js';
import type { Verification } from './verification.js';
import { verifyRelease } from './verify-release.js';
import { type TreeToVerify, verifyTree } from './verify-tree.js';

export interface VerifyOptions {
  /** Only this release; default: all of them, and `current`. */
  release?: string;
  /** Every byte, too; else names, types, modes, sizes and links. */
  deep: boolean;
  signal?: AbortSignal;
}

/** How many trees at once: each has its manifest in memory. */
const TREES_IN_FLIGHT = 4;

/**
 * Compares releases with their records, and trees with their manifests. Differences are data, sorted; what disappears
 * while it is looked at is one.
 *
 * @throws RELEASE_UNKNOWN; the signal's reason; STORE_IO and STORE_UNWRITABLE for what cannot be read
 */
export async function verifyStore(root: string, options: VerifyOptions): Promise<VerifyReport> {
  const ids = options.release === undefined ? await releaseIds(root) : [options.release];
  const differences: Difference[] = [];
  let checked = 0;
  const verification: Verification = {
    root,
    deep: options.deep,
    signal: options.signal,
    limit: new SharedLimit(IN_FLIGHT),
    checked: () => {
      checked += 1;
    },
    differs: (difference) => differences.push(difference),
  };
  try {
    const records = await readRecords(verification, ids, options.release !== undefined);
    if (options.release === undefined) await verifyCurrent(verification, ids);
    await forEachBounded(records, TREES_IN_FLIGHT, (record) => verifyRelease(verification, record));
    await forEachBounded(treesOf(records), TREES_IN_FLIGHT, (tree) => verifyTree(verification, tree));
  } catch (error) {
    throw options.signal?.aborted ? options.signal.reason : asPrestageError(error, { path: root });
  }
  return { releases: ids, checked, differences: differences.sort(byPlace) };
}

async function readRecords(
  verification: Verification,
  ids: readonly string[],
  named: boolean,
): Promise<ReleaseRecord[]> {
  const paths = storePaths(verification.root);
  const records: ReleaseRecord[] = [];
  for (const id of ids) {
    const file = paths.releaseRecord(id);
    const where = { package: '', path: relative(verification.root, file), releases: [id], file };
    verification.checked();
    try {
      const record = await readRelease(verification.root, id);
      if (record) records.push(record);
      else if (named && !(await ifThere(() => lstat(paths.release(id))))) throw unknownRelease(id);
      else verification.differs({ ...where, kind: 'missing' });
    } catch (error) {
      if (!(error instanceof PrestageError) || error.code !== 'STORE_INVALID') throw error;
      verification.differs({ ...where, kind: 'record', found: error.message });
    }
  }
  return records;
}

function unknownRelease(release: string): PrestageError {
  return new PrestageError('RELEASE_UNKNOWN', `Release ${release} is not in the store.`, {
    hint: '`prestage releases` lists what is there.',
    context: { release },
  });
}

async function verifyCurrent(verification: Verification, ids: readonly string[]): Promise<void> {
  const current = await currentRelease(verification.root);
  if (current === undefined) return;
  verification.checked();
  if (ids.includes(current)) return;
  const { current: file } = storePaths(verification.root);
  const where = { package: '', path: 'current', releases: [], file };
  verification.differs({ ...where, kind: 'link', expected: 'a release that is there', found: await readlink(file) });
}

/** Each tree once, and where two records give it different digests, once for each. */
function treesOf(records: readonly ReleaseRecord[]): TreeToVerify[] {
  const trees = new Map<string, TreeToVerify>();
  for (const record of records)
    for (const { id, tree, digest } of record.packages) {
      const known = trees.get(`${tree} ${digest}`)?.releases ?? [];
      trees.set(`${tree} ${digest}`, { package: id, tree, digest, releases: [...known, record.release] });
    }
  return [...trees.values()];
}

function byPlace(a: Difference, b: Difference): number {
  return compare(a.package, b.package) || compare(a.path, b.path) || compare(a.kind, b.kind);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
