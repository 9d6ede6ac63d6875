import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../core/digest.js';
import { PrestageError } from '../../core/errors.js';
import { listFolder, type RecipeInput } from '../../plan/index.js';
import type { TreeEntry } from '../../store/index.js';
import { namingFile } from '../sources/unreadable.js';
import type { Tree } from '../tree/tree.js';
import { type ApplyStep, counted, type StepContext } from './step.js';
import { inFolder, treeFolder } from './tree-folder.js';

/** What is to be at a path, and how to put it there. */
interface Item {
  path: string;
  entry: TreeEntry;
  put(): Promise<void>;
}

/**
 * Copies a file or what a folder holds into the tree. From a folder, modes come from the source's executable bits; from a
 * file, whose identity is its bytes alone, the mode stays as it is, or is 644.
 */
export const applyCopy: ApplyStep<'copy'> = async (step, context) => {
  const { tree } = context;
  const items =
    step.from.kind === 'file'
      ? [await fileItem(step.from, step.to, context)]
      : await folderItems(step.from, step.to, context);
  for (const item of items) checkPlace(tree, item);
  const count = { created: 0, replaced: 0, identical: 0, folders: 0 };
  for (const { path, entry, put } of items) {
    context.signal.throwIfAborted();
    const there = tree.entries.get(path);
    if (there && isSame(there, entry)) {
      if (entry.type !== 'dir') count.identical += 1;
      continue;
    }
    if (there?.type === 'link' || (there && entry.type === 'link')) await tree.remove(path);
    await put();
    if (entry.type === 'dir') count.folders += there ? 0 : 1;
    else if (there) count.replaced += 1;
    else count.created += 1;
  }
  const files = count.created + count.replaced;
  return {
    files,
    changes: files + count.folders,
    summary: `${counted(files, 'file')} copied (${count.created} created, ${count.replaced} replaced, ${count.identical} identical)`,
    nothing: {
      reason:
        items.length === 0
          ? `the folder ${step.from.name} is empty`
          : `all of ${step.from.name} is there already, byte for byte`,
      hint: 'Remove the step, or give it `optional: true` if what it copies may be there already.',
    },
  };
};

async function fileItem(from: RecipeInput, to: string, { tree, readInput }: StepContext): Promise<Item> {
  const content = await readInput(from.sha256);
  const found = sha256(content);
  if (found !== from.sha256) throw changed(from, found);
  const folder = treeFolder(to);
  const path = folder === '' || to.endsWith('/') ? inFolder(folder, from.name) : folder;
  const there = tree.entries.get(path);
  const mode = there?.type === 'file' ? there.mode : 0o644;
  const entry = { type: 'file', mode, size: content.length, sha256: found } as const;
  return { path, entry, put: () => tree.write(path, content, mode) };
}

async function folderItems(from: RecipeInput, to: string, { tree, folderInput }: StepContext): Promise<Item[]> {
  const folder = await folderInput(from.sha256);
  const listing = await listFolder(folder);
  if (listing.sha256 !== from.sha256) throw changed(from, listing.sha256);
  return listing.entries.map((entry): Item => {
    const path = inFolder(treeFolder(to), entry.path);
    if (entry.type === 'dir') return { path, entry, put: () => tree.makeFolder(path, entry.mode) };
    if (entry.type === 'link') return { path, entry, put: () => tree.makeLink(path, entry.target) };
    return { path, entry, put: () => putFile(tree, path, join(folder, entry.path), entry, from) };
  });
}

async function putFile(
  tree: Tree,
  path: string,
  source: string,
  entry: TreeEntry & { type: 'file' },
  from: RecipeInput,
): Promise<void> {
  if (tree.entries.get(path)?.type === 'file') await tree.chmod(path, entry.mode);
  const content = createReadStream(source, { highWaterMark: 1024 * 1024 });
  await namingFile(source, () => tree.writeStream(path, content, entry.mode, entry.size));
  const written = tree.entries.get(path);
  if (written?.type === 'file' && written.sha256 !== entry.sha256) throw changed(from, written.sha256, source);
}

/** Nothing is written before it is known that all can be. */
function checkPlace(tree: Tree, { path, entry }: Item): void {
  const there = tree.entries.get(path);
  if (there === undefined || (there.type === 'dir') === (entry.type === 'dir')) return;
  throw new PrestageError(
    'STEP_INVALID',
    there.type === 'dir'
      ? `${JSON.stringify(path)} is a folder, and a ${entry.type} would take its place.`
      : `${JSON.stringify(path)} is a ${there.type}, and a folder would take its place.`,
    {
      hint:
        there.type === 'dir'
          ? `To copy into it, end the destination with a slash: \`to: ${path}/\`. To replace it, remove it in an earlier step.`
          : 'Remove it in an earlier step, or copy to another place.',
      context: { file: path },
    },
  );
}

function isSame(a: TreeEntry, b: TreeEntry): boolean {
  if (a.type === 'file') return b.type === 'file' && a.sha256 === b.sha256 && a.mode === b.mode;
  if (a.type === 'link') return b.type === 'link' && a.target === b.target;
  return b.type === 'dir';
}

function changed(from: RecipeInput, found: string, path = from.name): PrestageError {
  return new PrestageError('SOURCE_CHANGED', `${JSON.stringify(path)} changed since its digest was taken.`, {
    hint: 'Wait until whatever writes there is done, then run the same command again: the new content gets its own digest.',
    context: { path, expected: from.sha256, found },
  });
}
