import { open, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, posix, relative, sep } from 'node:path';
import { isUsedWhole } from '../config/index.js';
import { formatBytes } from '../core/bytes.js';
import { PrestageError } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import { type ArchiveListing, listArchive, namesInPatch } from '../prepare/index.js';
import { expandPatches } from '../resolve/index.js';

/** What lies in a folder, as far as a configuration may want it. Paths are relative to it, with forward slashes. */
export interface Survey {
  archives: { path: string; listing: ArchiveListing }[];
  /** Files that are deployed as they are: jars, wars and their like. */
  programs: string[];
  /** Folders with none of the other things in them. */
  folders: { path: string; files: string[] }[];
  patches: FoundPatch[];
  /** Files that begin with `#!`, templates of such files for Terraform too. */
  scripts: string[];
  /** Property files and other settings that lie by themselves. */
  settings: string[];
  terraform: string[];
  compose: string[];
}

/** A patch, or a quilt series as one. */
export interface FoundPatch {
  path: string;
  /** As they stand in the patch. */
  names: string[];
  /** Why it cannot be read. */
  fault?: string;
}

const DEPTH = 3;
const MAX_ENTRIES = 2000;
const SKIPPED = /^(\..*|node_modules|prestage\.(config\..*|lock|mjs)|package(-lock)?\.json)$/;
const SETTINGS = /\.(properties|conf|cfg|ini|json|ya?ml|xml|toml|env)$/i;
const COMPOSE = /^(docker-)?compose\.ya?ml$/i;
/** What Terraform's templatefile() reads. */
export const TEMPLATE = /\.(tpl|tftpl)$/i;
const DOCUMENT = /\.(md|txt|pdf|log|sha256|sha512|md5|asc|sig|tfstate.*)$/i;

/**
 * Looks at each file by its content. Nothing is changed, links are not followed.
 * @throws what the signal was aborted with, and what the file system refuses
 */
export async function survey(folder: string, { emit, signal }: { emit: Emit; signal: AbortSignal }): Promise<Survey> {
  const found: Survey = {
    archives: [],
    programs: [],
    folders: [],
    patches: [],
    scripts: [],
    settings: [],
    terraform: [],
    compose: [],
  };
  const tree = await treeOf(folder, '', DEPTH);
  const tell = (path: string, size: number) =>
    size > TOLD_BYTES && emit({ type: 'notice', message: `Reading ${path} (${formatBytes(size)}).` });
  await visit(tree, found, { folder, signal, tell });
  return found;
}

/** What takes seconds to read is told. */
const TOLD_BYTES = 64 * 1024 * 1024;

interface Folder {
  path: string;
  files: string[];
  folders: Folder[];
}

async function treeOf(root: string, path: string, depth: number): Promise<Folder> {
  const entries = (await readdir(join(root, path), { withFileTypes: true })).slice(0, MAX_ENTRIES);
  const names = entries.filter(({ name }) => path !== '' || !SKIPPED.test(name));
  const at = (name: string) => posix.join(path, name);
  const files = names.flatMap((entry) => (entry.isFile() ? [at(entry.name)] : [])).sort();
  const inner = names.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? [at(entry.name)] : []));
  const folders = depth === 0 ? [] : await Promise.all(inner.sort().map((each) => treeOf(root, each, depth - 1)));
  return { path, files, folders };
}

interface Visit {
  folder: string;
  signal: AbortSignal;
  tell: (path: string, size: number) => void;
}

/** A folder that holds an archive, a patch or the like is a shelf: each thing on it is looked at. Any other is one thing. */
async function visit(here: Folder, found: Survey, context: Visit, parent?: Folder): Promise<void> {
  context.signal.throwIfAborted();
  if (here.path !== '' && here.files.some((path) => posix.basename(path) === 'series')) {
    found.patches.push(await seriesIn(here.path, context.folder));
    return;
  }
  if (here.path !== '' && !(await isShelf(here, context, parent))) {
    const files = await filesUnder(join(context.folder, here.path));
    if (files.length > 0) found.folders.push({ path: here.path, files });
    return;
  }
  for (const path of here.files) await sort(path, found, context);
  for (const folder of here.folders) await visit(folder, found, context, here);
}

async function isShelf(here: Folder, context: Pick<Visit, 'folder'>, parent?: Folder): Promise<boolean> {
  const isTop = !here.path.includes('/');
  for (const path of here.files) {
    const name = posix.basename(path);
    if (/\.(patch|diff|tf|tfvars)$/.test(name) || COMPOSE.test(name)) return true;
    if (name === 'series' || /\.(tar|tgz|zip|7z|deb|rpm|cpio)(\.\w+)?$|\.t[gx]z$/.test(name)) return true;
    // Deeper down, they are the `lib` of a product.
    if (isTop && isUsedWhole(name)) return true;
  }
  // `hosts/`, with scripts alone, and `terraform/templates/`; elsewhere, they are the `bin` of a product.
  const mayHoldScripts = isTop || (parent?.files.some((path) => path.endsWith('.tf')) ?? false);
  if (mayHoldScripts && here.files.length > 0 && here.folders.length === 0) {
    const isScript = async (path: string) =>
      TEMPLATE.test(path) || (await startOf(join(context.folder, path), 2)).toString() === '#!';
    if (!(await Promise.all(here.files.map(isScript))).includes(false)) return true;
  }
  const inner = await Promise.all(here.folders.map((folder) => isShelf(folder, context, here)));
  return inner.includes(true);
}

/** However deep: a patch may fit the last of them. */
async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => relative(folder, file).split(sep).join('/')).sort();
}

async function sort(path: string, found: Survey, { folder, signal, tell }: Visit): Promise<void> {
  const file = join(folder, path);
  const name = posix.basename(path);
  if (isUsedWhole(name)) found.programs.push(path);
  else if (/\.(tf|tfvars)$/.test(name)) found.terraform.push(path);
  else if (COMPOSE.test(name)) found.compose.push(path);
  else if (/\.(patch|diff)$/i.test(name)) found.patches.push(await patchAt(path, folder));
  else if (!DOCUMENT.test(name)) {
    const { size } = await stat(file);
    const start = (await startOf(file, 2)).toString();
    if (start === '#!') {
      if (!(await isOurs(file, name))) found.scripts.push(path);
    } else if (/\.ps1$/i.test(name) || TEMPLATE.test(name)) return;
    else if (SETTINGS.test(extname(name) === '' ? '' : name)) found.settings.push(path);
    else {
      tell(path, size);
      const listing = await listArchive(file, signal);
      if (listing !== undefined) found.archives.push({ path, listing });
    }
  }
}

/** The scripts that `init` writes. */
async function isOurs(file: string, name: string): Promise<boolean> {
  return /^(deploy|test-file-prep)\.sh$/.test(name) && (await readFile(file, 'utf8')).includes('prestage');
}

async function patchAt(path: string, folder: string): Promise<FoundPatch> {
  try {
    return { path, names: await namesInPatch(await readFile(join(folder, path)), path) };
  } catch (error) {
    if (error instanceof PrestageError) return { path, names: [], fault: error.message };
    throw error;
  }
}

async function seriesIn(path: string, folder: string): Promise<FoundPatch> {
  const { patches, fault } = await expandPatches(join(folder, path));
  if (fault !== undefined) return { path, names: [], fault };
  const found = await Promise.all(patches.map((patch) => patchAt(posix.relative(folder, patch.path), folder)));
  const broken = found.find((patch) => patch.fault !== undefined);
  return { path, names: found.flatMap(({ names }) => names), ...(broken?.fault ? { fault: broken.fault } : {}) };
}

async function startOf(file: string, bytes: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
