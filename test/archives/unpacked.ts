import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ARCHIVE_REASONS, type ArchiveCode } from '../../src/core/archive-reasons.js';
import { extractArchive, type UnpackOptions } from '../../src/prepare/archives/index.js';
import { StagedTree } from '../../src/prepare/tree/staged-tree.js';
import type { TreeEntry } from '../../src/store/index.js';

/** A folder for one test: `tree`, empty, where archives are unpacked, with something beside it that must stay as it is. */
export interface Place {
  folder: string;
  tree: string;
  /** Everything in the folder that is not in the tree. */
  outside(): string[];
  write(name: string, content: Buffer): string;
  remove(): void;
}

export function place(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-archive-'));
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  mkdirSync(join(folder, 'beside'));
  writeFileSync(join(folder, 'beside/victim'), 'untouched');
  return {
    folder,
    tree,
    outside: () => [
      ...Object.keys(listing(join(folder, 'beside'))),
      readFileSync(join(folder, 'beside/victim'), 'utf8'),
    ],
    write(name, content) {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Nothing beside the tree was changed, nor anything made where the tests' attacks aim. */
export function expectUntouched(where: Place): void {
  expect(where.outside()).toEqual(['victim', 'untouched']);
  expect(existsSync('/tmp/prestage-escaped')).toBe(false);
}

/** Matches the error that refuses an archive: with a code, a hint, and a reason that goes with the code. */
export function refusal(archive: string, code: string, says = ''): unknown {
  const reasons = Object.keys(ARCHIVE_REASONS[code as ArchiveCode]);
  return expect.objectContaining({
    code,
    message: expect.stringContaining(says),
    hint: expect.stringMatching(/\S/),
    context: expect.objectContaining({ file: archive, reason: expect.toBeOneOf(reasons) }),
  });
}

/** Unpacks bytes, as a stream in chunks of a size where one is given, else from a file. */
export async function unpack(
  where: Place,
  archive: Buffer,
  options: Partial<UnpackOptions> & { chunkBytes?: number; name?: string } = {},
): Promise<StagedTree> {
  const { chunkBytes, name = 'archive', ...rest } = options;
  const tree = new StagedTree(where.tree, { concurrency: 64 });
  const stream = async function* () {
    const step = chunkBytes ?? Math.max(1, archive.length);
    for (let at = 0; at < archive.length; at += step) yield archive.subarray(at, at + step);
  };
  const file = chunkBytes === undefined ? { file: where.write('archive.bin', archive) } : {};
  await extractArchive({ name, stream, ...file }, tree, { strip: 0, ...rest });
  return tree;
}

/** What is in a folder, as a tree's entries, with modes by the rule of trees. */
export function listing(folder: string): Record<string, TreeEntry> {
  const entries: Record<string, TreeEntry> = {};
  const todo = readdirSync(folder).sort();
  for (let path = todo.shift(); path !== undefined; path = todo.shift()) {
    const at = join(folder, path);
    const stat = lstatSync(at);
    if (stat.isDirectory()) todo.push(...readdirSync(at).map((name) => `${path}/${name}`));
    if (stat.isSymbolicLink()) entries[path] = { type: 'link', target: readlinkSync(at) };
    else if (stat.isDirectory()) entries[path] = { type: 'dir', mode: 0o755 };
    else {
      const content = readFileSync(at);
      const sha256 = createHash('sha256').update(content).digest('hex');
      entries[path] = { type: 'file', mode: statSync(at).mode & 0o111 ? 0o755 : 0o644, size: content.length, sha256 };
    }
  }
  return sorted(entries);
}

export function entriesOf(tree: StagedTree): Record<string, TreeEntry> {
  return sorted(Object.fromEntries(tree.entries));
}

function sorted(entries: Record<string, TreeEntry>): Record<string, TreeEntry> {
  return Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
}
