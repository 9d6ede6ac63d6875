import { posix } from 'node:path';
import { PrestageError } from '../core/errors.js';
import { mostAlike } from '../core/nearest.js';
import { formatMode } from '../core/units.js';
import type { ReleaseRecord, TreeEntry } from '../store/index.js';
import { type CommandOptions, openDeployed } from './project.js';
import { recordedPackage } from './recorded.js';
import { extractWords } from './report/gather.js';
import { readTraces, reportsFolder } from './report/reports-folder.js';
import { type TreeTrace, treeTraceIn } from './report/trace.js';
import type { ExplainResult } from './results.js';
import { releaseOrLast } from './store.js';

export interface ExplainOptions extends CommandOptions {
  /** In a release, such as `opt/portal/conf/app.properties`; also with what hosts have before it. */
  path: string;
  /** Default: the current one, or the one that was prepared last. */
  release?: string;
}

/**
 * Where a file of a release comes from: its package and source, and each step that touched it.
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
  const [records, current] = await Promise.all([look.releases(), look.currentRelease()]);
  const record = releaseOrLast(records, options.release ?? current, {
    message: 'There is no release to look into.',
    hint: '`prestage deploy` makes one.',
  });
  const path = inRelease(options.path, target.root, record);
  const item = record.packages.find(({ destination }) => path === destination || path.startsWith(`${destination}/`));
  if (item === undefined)
    throw unknownPath(
      path,
      record.packages.map(({ destination }) => destination),
    );
  const within = path.slice(item.destination.length + 1);
  const entries = await listTree(item.tree);
  const entry = within === '' ? undefined : entries?.get(within);
  if (entries === undefined || entry === undefined)
    throw unknownPath(
      path,
      [...(entries?.keys() ?? [])].map((each) => `${item.destination}/${each}`),
    );
  const plan = recordedPackage(item);
  const trace = treeTraceIn(await readTraces(reportsFolder(folder, environment.name)), item.tree);
  return {
    environment: environment.name,
    release: record.release,
    path,
    package: item.id,
    tree: item.tree,
    entry: described(entry),
    ...(plan && {
      source: { ...plan.recipe.source, handling: extractWords(plan.recipe.extract) },
    }),
    ...(trace ? { steps: stepsOn(within, trace) } : {}),
  };
}

/** As hosts have it: below the store's root, below `current` or `releases/<id>`, or from the release on. */
function inRelease(path: string, root: string, { release }: ReleaseRecord): string {
  const whole = posix.normalize(path.replaceAll('\\', '/'));
  const below = whole.startsWith(`${root}/`) ? whole.slice(root.length + 1) : whole;
  return below
    .replace(/^\/+/, '')
    .replace(new RegExp(`^(current|releases/${release})/`), '')
    .replace(/\/+$/, '');
}

function unknownPath(path: string, candidates: readonly string[]): PrestageError {
  const near = mostAlike(path, candidates);
  return new PrestageError('PATH_UNKNOWN', `There is no ${path} in the release.`, {
    hint: near.length > 0 ? `Near: ${near.join(', ')}.` : 'Paths begin with the destination of a package.',
    context: { path },
  });
}

function described(entry: TreeEntry): ExplainResult['entry'] {
  if (entry.type === 'link') return { type: 'link', target: entry.target };
  const mode = formatMode(entry.mode);
  return entry.type === 'dir'
    ? { type: 'folder', mode }
    : { type: 'file', mode, size: entry.size, sha256: entry.sha256 };
}

function stepsOn(path: string, { steps }: TreeTrace): NonNullable<ExplainResult['steps']> {
  return steps.flatMap((event) => {
    if (event.type !== 'package.changed') return [];
    const file = event.files.find((each) => each.path === path);
    if (file === undefined) return [];
    const told = steps.find((each) => each.type === 'package.step' && each.step === event.step);
    const kind = told?.type === 'package.step' ? told.kind : '';
    return [{ step: event.step, kind, change: file.change, diff: file.diff ?? [] }];
  });
}
