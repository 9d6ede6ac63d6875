import { PrestageError } from '../core/errors.js';
import { once } from '../core/once.js';
import { formatMode } from '../core/units.js';
import type { TreeEntry } from '../store/index.js';
import { belowRelease, pathInRelease, placeOf, type RecordedPackage, releaseMeant } from './explained-path.js';
import { archiveEntryOf } from './file-origin.js';
import { type CommandOptions, openDeployed } from './project.js';
import { recordedPackage } from './recorded.js';
import { extractWords } from './report/gather.js';
import { readTraces, reportsFolder } from './report/reports-folder.js';
import { type TreeTrace, treeTraceIn } from './report/trace.js';
import type { ExplainResult } from './results.js';

export interface ExplainOptions extends CommandOptions {
  /**
   * In a release, such as `opt/portal/conf/app.properties`, or in a package (`conf/app.properties`); also with what stands before it: what
   * hosts have, this machine from the working folder on, or `trees/<tree>` of the store.
   */
  path: string;
  /** Default: the one in the path, the current one, or the one that was prepared last. */
  release?: string;
}

/**
 * Where a file of a release comes from: its package and source, and each step that touched it; also of one that a step removed.
 * @throws PATH_UNKNOWN with the nearest paths, RELEASE_UNKNOWN, NOTHING_DEPLOYED; USAGE where the store cannot be read from here
 */
export async function explain(options: ExplainOptions): Promise<ExplainResult> {
  const { folder, target, environment } = await openDeployed(options);
  const { listTree } = target;
  if (listTree === undefined)
    throw new PrestageError('USAGE', `The files of ${environment.name} can be read by its machines only.`, {
      hint: 'A release has the same files everywhere: prepare it on the local target (`prestage deploy --prepare-files-only --env local`) and ask there.',
    });
  const look = target.look();
  const [records, current, traces] = await Promise.all([
    look.releases(),
    look.currentRelease(),
    readTraces(reportsFolder(folder, environment.name)),
  ]);
  const { release = undefined, ...below } = belowRelease(options.path, target.root);
  const named = options.release ?? release;
  const record = releaseMeant({ ...below, ...(named === undefined ? {} : { release: named }) }, records, current);
  const lists = new Map(
    record.packages.map(({ tree }) => [tree, once(async () => (await listTree(tree)) ?? new Map())]),
  );
  const entriesOf = async ({ tree }: RecordedPackage): Promise<ReadonlyMap<string, TreeEntry>> =>
    (await lists.get(tree)?.()) ?? new Map();
  const place = await placeOf(
    below,
    record,
    async ({ item, within }) =>
      (await entriesOf(item)).has(within) || isRemoved(within, treeTraceIn(traces, item.tree)),
    async (item) => [...(await entriesOf(item)).keys()].map((within) => pathInRelease({ item, within })),
  );
  const { item, within } = place;
  const entries = await entriesOf(item);
  const plan = recordedPackage(item);
  const trace = treeTraceIn(traces, item.tree);
  const touched = trace && { steps: stepsOn(within, trace), unnamedSteps: unnamedSteps(within, trace) };
  const archive = plan && archiveEntryOf(within, { recipe: plan.recipe, entries, touched });
  return {
    environment: environment.name,
    release: record.release,
    path: pathInRelease(place),
    package: item.id,
    tree: item.tree,
    entry: described(within === '' ? { type: 'dir', mode: 0o755 } : entries.get(within)),
    ...(plan && {
      source: { ...plan.recipe.source, handling: extractWords(plan.recipe.extract) },
    }),
    ...(archive && { archive }),
    ...touched,
  };
}

function described(entry: TreeEntry | undefined): ExplainResult['entry'] {
  if (entry === undefined) return { type: 'removed' };
  if (entry.type === 'link') return { type: 'link', target: entry.target };
  const mode = formatMode(entry.mode);
  return entry.type === 'dir'
    ? { type: 'folder', mode }
    : { type: 'file', mode, size: entry.size, sha256: entry.sha256 };
}

function isRemoved(path: string, trace: TreeTrace | undefined): boolean {
  return trace !== undefined && stepsOn(path, trace).at(-1)?.change === 'removed';
}

function stepsOn(path: string, { steps }: TreeTrace): NonNullable<ExplainResult['steps']> {
  return steps.flatMap((event) => {
    if (event.type !== 'package.changed') return [];
    const file = event.files.find((each) => each.path === path);
    if (file === undefined) return [];
    return [{ step: event.step, kind: kindOf(event.step, steps), change: file.change, diff: file.diff ?? [] }];
  });
}

/** Steps that changed more files than are named, this one not among those: it may be one of the others, once it was there. */
function unnamedSteps(path: string, trace: TreeTrace): NonNullable<ExplainResult['unnamedSteps']> {
  const addedBy = stepsOn(path, trace).findLast(({ change }) => change === 'added')?.step ?? 0;
  const { steps } = trace;
  return steps.flatMap((event) =>
    event.type === 'package.changed' &&
    event.more > 0 &&
    event.step > addedBy &&
    !event.files.some((each) => each.path === path)
      ? [{ step: event.step, kind: kindOf(event.step, steps), more: event.more }]
      : [],
  );
}

function kindOf(step: number, steps: TreeTrace['steps']): string {
  const told = steps.find((each) => each.type === 'package.step' && each.step === step);
  return told?.type === 'package.step' ? told.kind : '';
}
