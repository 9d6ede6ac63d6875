import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256, shortDigest } from '../src/core/digest.js';
import { createFlusher } from '../src/store/flusher.js';
import { newRunId, storePaths } from '../src/store/paths.js';
import type { ReleaseRecord } from '../src/store/release-record.js';
import { publishRelease } from '../src/store/releases.js';
import { openStaging } from '../src/store/staging.js';
import type { TreeEntry } from '../src/store/tree-entry.js';
import { publishTree } from '../src/store/trees.js';

/** Small real stores, for the tests of the store's room. */

/** By path: a file's content, `/` for a folder, `-> target` for a link. */
export type Files = Readonly<Record<string, string>>;

export const someFiles: Files = {
  bin: '/',
  'bin/run.sh': '#!/bin/sh\nexec true\n',
  conf: '/',
  'conf/empty': '/',
  'conf/app.properties': 'port=8080\n',
  'conf/naïve name': 'x',
  link: '-> conf/app.properties',
};

export async function temporaryRoot(): Promise<{ root: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-store-'));
  return { root: join(folder, 'root'), remove: () => rm(folder, { recursive: true, force: true }) };
}

export async function writeTree(folder: string, files: Files): Promise<Map<string, TreeEntry>> {
  await mkdir(folder);
  await chmod(folder, 0o755);
  const entries = new Map<string, TreeEntry>();
  for (const [path, content] of Object.entries(files)) {
    const at = join(folder, path);
    const mode = content === '/' || path.endsWith('.sh') ? 0o755 : 0o644;
    if (content.startsWith('-> ')) {
      await symlink(content.slice(3), at);
      entries.set(path, { type: 'link', target: content.slice(3) });
    } else if (content === '/') {
      await mkdir(at);
      await chmod(at, mode);
      entries.set(path, { type: 'dir', mode });
    } else {
      await writeFile(at, content);
      await chmod(at, mode);
      entries.set(path, { type: 'file', mode, size: Buffer.byteLength(content), sha256: sha256(content) });
    }
  }
  return entries;
}

export function treeName(id: string, recipe = sha256(`recipe of ${id}`)): string {
  return `${id}-${shortDigest(recipe)}`;
}

export async function addTree(root: string, name: string, files: Files = someFiles) {
  const run = newRunId();
  const staging = await openStaging(root, run);
  const folder = join(staging.folder, name);
  try {
    const entries = await writeTree(folder, files);
    return await publishTree({ root, run, name, folder, entries, flusher: createFlusher(root) });
  } finally {
    await staging.close();
  }
}

export const someScript = { path: 'boot/api.sh', content: Buffer.from('#!/bin/sh\n') };

/** A record of packages whose trees are there; `createdAt` in minutes of some hour. */
export function recordOf(
  name: string,
  packages: readonly { id: string; destination: string; digest: string }[],
  minute = 0,
): ReleaseRecord {
  const digest = sha256(name);
  return {
    format: 1,
    release: shortDigest(digest),
    digest,
    name,
    createdAt: `2026-11-24T02:${String(minute).padStart(2, '0')}:00.000Z`,
    createdBy: 'prestage 0.0.0',
    packages: packages.map(({ id, destination, digest }) => ({
      id,
      destination,
      tree: treeName(id),
      recipe: sha256(`recipe of ${id}`),
      digest,
      files: 4,
      bytes: 32,
    })),
    scripts: [{ path: someScript.path, sha256: sha256(someScript.content) }],
  };
}

/** A release with these packages (their trees with it), each at `opt/<id>`. */
export async function addRelease(root: string, name: string, ids: readonly string[], minute = 0): Promise<string> {
  const packages = [];
  for (const id of ids) {
    const { digest } = await addTree(root, treeName(id), { ...someFiles, id });
    packages.push({ id, destination: `opt/${id}`, digest });
  }
  const record = recordOf(name, packages, minute);
  await publishRecord(root, record);
  return record.release;
}

export async function publishRecord(root: string, record: ReleaseRecord): Promise<'published' | 'existing'> {
  const run = newRunId();
  const staging = await openStaging(root, run);
  try {
    return await publishRelease({ root, run, record, scripts: [someScript], flusher: createFlusher(root) });
  } finally {
    await staging.close();
  }
}

/** What is in `.staging`, and what has a temporary name elsewhere in the store. */
export async function leftovers(root: string): Promise<string[]> {
  const paths = storePaths(root);
  const found = await readdir(paths.staging);
  for (const folder of [paths.root, paths.trees, paths.releases])
    found.push(...(await readdir(folder)).filter((name) => name.startsWith('.tmp-')).map((name) => join(folder, name)));
  return found;
}
