import type { ReleaseRecord } from '../../store/index.js';
import type { DeployedRelease, Target } from '../../targets/index.js';
import { type Change, recipeChanges } from '../changes/recipe-changes.js';
import { serviceChanges } from '../changes/service-changes.js';
import { scriptChanges } from '../detect.js';
import { recordedPackage } from '../recorded.js';
import { releaseBefore } from '../rollback.js';
import type { ReleaseChanges } from './facts.js';
import { fileChanges } from './file-list.js';
import type { Subject } from './subject.js';

interface Known {
  /** Oldest first. */
  records: readonly ReleaseRecord[];
  history: readonly DeployedRelease[];
  current: string | undefined;
  target: Pick<Target, 'listTree'>;
}

/** What is not as in the release before this one; undefined where there is none to compare with. */
export async function changesSince(subject: Subject, known: Known): Promise<ReleaseChanges | undefined> {
  const record = recordBefore(subject, known);
  return record === undefined ? undefined : changesBetween(record, subject, known);
}

/** What is in the subject and is not so in the record. */
export async function changesBetween(
  record: ReleaseRecord,
  subject: Subject,
  known: Pick<Known, 'history' | 'target'>,
): Promise<ReleaseChanges> {
  const [was, is] = [record.release, subject.release].map((release) => deployedAs(release, known.history));
  const ids = new Set([...record.packages, ...subject.packages].map(({ id }) => id));
  const packages = await Promise.all([...ids].map((id) => packageSince(id, record, subject, known.target)));
  return {
    release: record.release,
    packages: packages.filter(({ changes, files }) => changes.length > 0 || files !== undefined),
    scripts: scriptChanges(record.scripts, subject.scripts),
    services: was && is ? serviceChanges(was.services, is.services) : [],
  };
}

function deployedAs(release: string, history: Known['history']): DeployedRelease | undefined {
  return history.findLast((item) => item.release === release);
}

/** What was deployed before it; of what was never deployed, what is deployed now, or else was prepared before it. */
function recordBefore({ release, record }: Subject, { records, history, current }: Known): ReleaseRecord | undefined {
  const stored = new Set(records.map((item) => item.release));
  const byId = (id: string | undefined) => records.find((item) => item.release === id && id !== release);
  if (!deployedAs(release, history)) {
    const older = records.findLast((item) => record !== undefined && item.createdAt < record.createdAt);
    return byId(current) ?? byId(older?.release) ?? byId(records.at(-1)?.release);
  }
  const until = history.slice(0, history.findLastIndex((item) => item.release === release) + 1);
  try {
    return byId(releaseBefore(release, until, stored));
  } catch {
    return undefined; // it was the first
  }
}

async function packageSince(id: string, record: ReleaseRecord, subject: Subject, target: Known['target']) {
  const old = record.packages.find((item) => item.id === id);
  const now = subject.packages.find((item) => item.id === id);
  if (!old || !now) {
    const changes: Change[] = [{ what: 'package', ...(now ? { after: 'added' } : { before: 'removed' }) }];
    return { id, changes, files: undefined };
  }
  const moved: Change[] =
    old.destination === now.destination
      ? []
      : [{ what: 'destination', before: old.destination, after: now.destination }];
  const [was, is] = [recordedPackage(old)?.recipe, now.plan?.recipe];
  return {
    id,
    changes: [...moved, ...(was && is ? recipeChanges(was, is) : [])],
    files: old.tree === now.tree ? undefined : await filesSince(old.tree, now.tree, target),
  };
}

async function filesSince(old: string, now: string, target: Known['target']) {
  const [before, after] = await Promise.all([target.listTree?.(old), target.listTree?.(now)]);
  return before && after ? fileChanges(before, after) : undefined;
}
