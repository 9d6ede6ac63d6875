import { PrestageError } from '../core/errors.js';
import { secretValues } from '../core/secret-lines.js';
import { textDiff } from '../core/text-diff.js';
import type { ReleaseRecord, TreeEntry } from '../store/index.js';
import type { Target } from '../targets/index.js';
import { type CommandOptions, openDeployed } from './project.js';
import { changesBetween } from './report/changes-since.js';
import type { FileChanges } from './report/file-list.js';
import { subjectOf } from './report/subject.js';
import type { DiffResult, FileDiff } from './results.js';
import { demandRelease } from './store.js';

export interface DiffOptions extends CommandOptions {
  /** The release to begin with. */
  from: string;
  /** Default: the current one. */
  to?: string;
}

/** Larger files, and more of them, are named and not shown. */
const MAX_BYTES = 256 * 1024;
const MAX_FILES = 200;

/**
 * What two releases of a store differ in: packages, steps, scripts, services, and, where the store can be read from here, files with
 * the lines of texts that changed.
 * @throws RELEASE_UNKNOWN, NOTHING_DEPLOYED
 */
export async function diff({ from, to, ...options }: DiffOptions): Promise<DiffResult> {
  const { target: opened, environment } = await openDeployed(options);
  const target = listingOnce(opened);
  const look = opened.look();
  const [records, history, current] = await Promise.all([look.releases(), look.history(), look.currentRelease()]);
  const [old, now] = [demandRelease(records, from), demandRelease(records, to ?? demandCurrent(current))];
  const changes = await changesBetween(old, subjectOf(now), { history, target });
  const diffs = await Promise.all(changes.packages.map(({ id, files }) => textDiffs(id, files, { old, now, target })));
  return {
    environment: environment.name,
    from: old.release,
    to: now.release,
    packages: changes.packages.map((item, index) => {
      const { shown = [], leftOut = 0 } = diffs[index] ?? {};
      return { ...item, diffs: shown, ...(leftOut > 0 ? { diffsLeftOut: leftOut } : {}) };
    }),
    scripts: changes.scripts,
    services: changes.services,
    ...(target.listTree === undefined ? { filesUnknown: true } : {}),
  };
}

type Readable = Pick<Target, 'listTree' | 'readFile'>;

/** The manifest of a tree is long: it is read once for what changed and for the lines of it. */
function listingOnce({ listTree, readFile }: Target): Readable {
  const trees = new Map<string, ReturnType<NonNullable<typeof listTree>>>();
  return {
    ...(readFile && { readFile }),
    ...(listTree && {
      listTree(tree) {
        const listed = trees.get(tree) ?? listTree(tree);
        trees.set(tree, listed);
        return listed;
      },
    }),
  };
}

function demandCurrent(current: string | undefined): string {
  if (current !== undefined) return current;
  throw new PrestageError('NOTHING_DEPLOYED', 'No release is current, so there is nothing to compare with.', {
    hint: 'Name two releases: `prestage releases` lists them.',
  });
}

async function textDiffs(
  id: string,
  files: FileChanges | undefined,
  { old, now, target }: { old: ReleaseRecord; now: ReleaseRecord; target: Readable },
): Promise<{ shown: FileDiff[]; leftOut: number }> {
  const recorded = [old, now].map(({ packages }) => packages.find((item) => item.id === id));
  const [before, after] = recorded.map((item) => item?.tree);
  if (!files || before === undefined || after === undefined || !target.readFile) return { shown: [], leftOut: 0 };
  const [was, is] = await Promise.all([target.listTree?.(before), target.listTree?.(after)]);
  const secrets = recorded.flatMap((item) => secretValues(item?.recipeContent));
  const modesOnly = new Set(files.modes.flatMap(({ path, only }) => (only ? [path] : [])));
  const candidates = files.changed.filter(
    (path) => !modesOnly.has(path) && isSmallFile(was?.get(path)) && isSmallFile(is?.get(path)),
  );
  const shown: FileDiff[] = [];
  for (const path of candidates.slice(0, MAX_FILES)) {
    const [a, b] = await Promise.all([target.readFile(before, path), target.readFile(after, path)]);
    const lines = textDiff(a, b, secrets) ?? [];
    if (lines.length > 0) shown.push({ path, diff: lines });
  }
  return { shown, leftOut: Math.max(0, candidates.length - MAX_FILES) };
}

function isSmallFile(entry: TreeEntry | undefined): boolean {
  return entry?.type === 'file' && entry.size <= MAX_BYTES;
}
