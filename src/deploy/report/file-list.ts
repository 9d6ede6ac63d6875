import { formatMode } from '../../core/units.js';
import type { TreeEntry } from '../../store/index.js';
import type { ModeChange } from '../results.js';
import type { TreeTrace } from './trace.js';

/** The files of a tree as the page carries them: 60,000 are to be read and shown at once, so each is a few numbers. */
export interface FileList {
  package: string;
  destination: string;
  /** What its files come from where no step made them: the name of its source. */
  source: string;
  /** For each file, how many characters its path shares with the one before, and what follows them. */
  shared: number[];
  rest: string[];
  sizes: number[];
  /** The first 16 digits of each SHA-256, all in a row; spaces for links. */
  digests: string;
  /** Modes other than 644, by the file's number; of links, where they lead. */
  modes: Record<number, string>;
  links: Record<number, string>;
  /** The steps that added a file, and those that changed it, by the file's number. */
  addedBy: Record<number, number>;
  changedBy: Record<number, number[]>;
  /** Steps that changed more files than they told of: what is not named may be theirs, too. */
  unnamed: number[];
  /** Whether what the steps did is known at all. */
  traced: boolean;
}

const DIGITS = 16;

export function fileListOf(
  about: { package: string; destination: string; source: string; hasSteps: boolean },
  entries: ReadonlyMap<string, TreeEntry>,
  trace: TreeTrace | undefined,
): FileList {
  const touched = touchedFiles(trace);
  const { hasSteps, ...of } = about;
  const list: FileList = {
    ...of,
    shared: [],
    rest: [],
    sizes: [],
    digests: '',
    modes: {},
    links: {},
    addedBy: {},
    changedBy: {},
    unnamed: [...touched.unnamed],
    traced: trace !== undefined || !hasSteps,
  };
  const digests: string[] = [];
  let last = '';
  for (const [path, entry] of entries) {
    if (entry.type === 'dir') continue;
    const at = list.rest.length;
    const shared = commonLength(last, path);
    list.shared.push(shared);
    list.rest.push(path.slice(shared));
    last = path;
    list.sizes.push(entry.type === 'file' ? entry.size : 0);
    digests.push(entry.type === 'file' ? entry.sha256.slice(0, DIGITS) : ' '.repeat(DIGITS));
    if (entry.type === 'link') list.links[at] = entry.target;
    else if (entry.mode !== 0o644) list.modes[at] = formatMode(entry.mode);
    const by = touched.files.get(path);
    if (by?.added !== undefined) list.addedBy[at] = by.added;
    if (by && by.changed.length > 0) list.changedBy[at] = by.changed;
  }
  list.digests = digests.join('');
  return list;
}

interface TouchedBy {
  added?: number | undefined;
  changed: number[];
}

function touchedFiles(trace: TreeTrace | undefined): { files: Map<string, TouchedBy>; unnamed: Set<number> } {
  const files = new Map<string, TouchedBy>();
  const unnamed = new Set<number>();
  for (const event of trace?.steps ?? []) {
    if (event.type !== 'package.changed') continue;
    if (event.more > 0) unnamed.add(event.step);
    for (const { path, change } of event.files) {
      const known = files.get(path);
      if (change === 'removed') files.delete(path);
      else if (change === 'added') files.set(path, { added: event.step, changed: [] });
      else if (known) known.changed.push(event.step);
      else files.set(path, { changed: [event.step] });
    }
  }
  return { files, unnamed };
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

/** What is in one tree and not, or otherwise, in the other. */
export interface FileChanges {
  added: string[];
  removed: string[];
  changed: string[];
  /** Those of the changed ones that have another mode. */
  modes: ModeChange[];
}

export function fileChanges(
  before: ReadonlyMap<string, TreeEntry>,
  after: ReadonlyMap<string, TreeEntry>,
): FileChanges {
  const isFile = (entry: TreeEntry | undefined) => entry !== undefined && entry.type !== 'dir';
  const [old, now] = [before, after].map((entries) => [...entries.keys()].filter((path) => isFile(entries.get(path))));
  const changed = (now ?? []).filter((path) => isFile(before.get(path)) && !isSame(before.get(path), after.get(path)));
  return {
    added: (now ?? []).filter((path) => !isFile(before.get(path))),
    removed: (old ?? []).filter((path) => !isFile(after.get(path))),
    changed,
    modes: changed.flatMap((path) => modeChange(path, before.get(path), after.get(path))),
  };
}

function modeChange(path: string, old: TreeEntry | undefined, now: TreeEntry | undefined): ModeChange[] {
  if (old?.type !== 'file' || now?.type !== 'file' || old.mode === now.mode) return [];
  return [{ path, before: formatMode(old.mode), after: formatMode(now.mode), only: old.sha256 === now.sha256 }];
}

function isSame(a: TreeEntry | undefined, b: TreeEntry | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
