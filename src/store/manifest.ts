import { PrestageError } from '../core/errors.js';
import type { TreeEntry } from './tree-entry.js';
import { decodeName, encodeName } from './vis.js';

/**
 * A tree's manifest: mtree(5), written in one way only, because its SHA-256 is the tree's digest
 * (docs/store-format.md has the rules).
 */

export interface TreeTotals {
  /** Files and links, without folders. */
  files: number;
  /** The sum of the files' sizes. */
  bytes: number;
}

const ROOT_LINE = '. type=dir mode=0755';

/**
 * `entries` by path, without the root; every parent of an entry is an entry.
 * @internal the published types know no types of Node
 */
export function formatManifest(entries: ReadonlyMap<string, TreeEntry>): Buffer {
  const lines: string[] = [];
  for (const [path, entry] of entries) lines.push(`./${encodeName(path)} ${keywords(entry)}`);
  lines.sort(byPath);
  const { files, bytes } = totalsOf(entries);
  return Buffer.from(['#mtree', `# prestage tree 1 files=${files} bytes=${bytes}`, ROOT_LINE, ...lines, ''].join('\n'));
}

function keywords(entry: TreeEntry): string {
  switch (entry.type) {
    case 'dir':
      return `type=dir mode=${octal(entry.mode)}`;
    case 'file':
      return `type=file mode=${octal(entry.mode)} size=${entry.size} sha256=${entry.sha256}`;
    case 'link':
      return `type=link link=${encodeName(entry.target)}`;
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** By path: a space sorts before every character of an encoded name, so whole lines sort as their paths do. */
function byPath(a: string, b: string): number {
  return a < b ? -1 : 1;
}

export function totalsOf(entries: ReadonlyMap<string, TreeEntry>): TreeTotals {
  let files = 0;
  let bytes = 0;
  for (const entry of entries.values()) {
    if (entry.type !== 'dir') files += 1;
    if (entry.type === 'file') bytes += entry.size;
  }
  return { files, bytes };
}

/**
 * The entries by path, in the manifest's order.
 * @throws STORE_INVALID where a byte differs from what `formatManifest` writes for them.
 */
export function parseManifest(bytes: Uint8Array): Map<string, TreeEntry> {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').split('\n');
  const totals = parseTotals(`${lines[0]}\n${lines[1]}`);
  if (!totals) throw invalid(1, 'it does not begin as a manifest does');
  if (lines[2] !== ROOT_LINE) throw invalid(3, 'the root is not described');
  if (lines.pop() !== '') throw invalid(lines.length + 1, 'it is cut off');
  const entries = new Map<string, TreeEntry>();
  for (let number = 3; number < lines.length; number += 1) {
    const line = lines[number] ?? '';
    const parsed = parseLine(line);
    if (!parsed) throw invalid(number + 1, 'it is not an entry');
    if (number > 3 && byPath(lines[number - 1] ?? '', line) >= 0) throw invalid(number + 1, 'it is out of order');
    const slash = parsed.path.lastIndexOf('/');
    if (slash !== -1 && entries.get(parsed.path.slice(0, slash))?.type !== 'dir')
      throw invalid(number + 1, 'its folder is not described');
    if (entries.has(parsed.path)) throw invalid(number + 1, 'its path was there already');
    entries.set(parsed.path, parsed.entry);
  }
  const found = totalsOf(entries);
  if (found.files !== totals.files || found.bytes !== totals.bytes) throw invalid(2, 'its totals are wrong');
  return entries;
}

/** The totals in a manifest's second line; undefined where its first lines are something else. */
export function parseTotals(head: string): TreeTotals | undefined {
  const match = /^#mtree\n# prestage tree 1 files=(0|[1-9]\d{0,15}) bytes=(0|[1-9]\d{0,15})(?:\n|$)/.exec(head);
  return match ? { files: Number(match[1]), bytes: Number(match[2]) } : undefined;
}

const LINE =
  /^\.\/(\S+) type=(?:dir mode=0([0-7]{3})|file mode=0([0-7]{3}) size=(0|[1-9]\d{0,15}) sha256=([0-9a-f]{64})|link link=(\S+))$/;

function parseLine(line: string): { path: string; entry: TreeEntry } | undefined {
  const match = LINE.exec(line);
  if (!match) return undefined;
  const [, encodedPath = '', folderMode, fileMode, size, sha256, encodedTarget] = match;
  const path = decodeName(encodedPath);
  if (path === undefined || !isTreePath(path)) return undefined;
  if (folderMode !== undefined) return { path, entry: { type: 'dir', mode: Number.parseInt(folderMode, 8) } };
  if (fileMode !== undefined && sha256 !== undefined) {
    return { path, entry: { type: 'file', mode: Number.parseInt(fileMode, 8), size: Number(size), sha256 } };
  }
  const target = decodeName(encodedTarget ?? '');
  return target === undefined ? undefined : { path, entry: { type: 'link', target } };
}

/** What a manifest says is compared with files: a path in it must not lead out of the tree. */
function isTreePath(path: string): boolean {
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..') && !path.includes('\0');
}

function invalid(line: number, reason: string): PrestageError {
  return new PrestageError('STORE_INVALID', `A manifest is damaged: line ${line}: ${reason}.`, {
    hint: 'Find out with `prestage verify --deep` what else is damaged; remove the tree and its manifest, and prepare again.',
    context: { line },
  });
}
