import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '../../src/core/digest.js';
import { applySteps } from '../../src/prepare/steps/index.js';
import { StagedTree } from '../../src/prepare/tree/staged-tree.js';
import { expandPatches } from '../../src/resolve/series.js';
import type { TreeEntry } from '../../src/store/index.js';
import { listing } from '../archives/unpacked.js';

export type Entries = Record<string, TreeEntry>;

/** Unpacks a source package twice: as it is before its patches, and as dpkg-source patches it. */
export async function unpackBoth(dsc: string, folder: string): Promise<{ unpatched: string; patched: string }> {
  const run = promisify(execFile);
  const [unpatched, patched] = [join(folder, 'unpatched'), join(folder, 'patched')];
  await mkdir(folder, { recursive: true });
  await Promise.all([
    run('dpkg-source', ['-q', '--no-copy', '--skip-patches', '-x', dsc, unpatched]),
    run('dpkg-source', ['-q', '--no-copy', '-x', dsc, patched]),
  ]);
  return { unpatched, patched };
}

/** A folder's entries without what dpkg-source puts there itself: quilt's record of what is applied. */
export function sourceEntries(folder: string): Entries {
  return Object.fromEntries(
    Object.entries(listing(folder)).filter(([path]) => path !== '.pc' && !path.startsWith('.pc/')),
  );
}

/** Applies the series to a copy of the unpatched sources, by one step, in an empty folder. Returns how many patches it has. */
export async function applySeries(unpatched: string, folder: string): Promise<number> {
  const tree = new StagedTree(folder, { concurrency: 32 });
  for (const [path, entry] of Object.entries(listing(unpatched))) {
    if (entry.type === 'dir') await tree.makeFolder(path, entry.mode);
    else if (entry.type === 'link') await tree.makeLink(path, entry.target);
    else await tree.write(path, readFileSync(join(unpatched, path)), entry.mode);
  }
  const series = await expandPatches(join(unpatched, 'debian/patches/series'));
  const contents = new Map<string, Buffer>();
  const patches = series.patches.map(({ path }) => {
    const content = readFileSync(path);
    contents.set(sha256(content), content);
    return { name: relative(unpatched, path), sha256: sha256(content) };
  });
  await applySteps({
    package: 'sources',
    steps: [{ kind: 'patch', patches, strip: 1, fuzz: 0, optional: false }],
    tree,
    readInput: async (digest) => contents.get(digest) ?? Buffer.alloc(0),
    folderInput: async () => '',
    emit: () => {},
    signal: new AbortController().signal,
  });
  await tree.settled();
  return patches.length;
}
