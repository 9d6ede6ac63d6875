import { PrestageError } from '../../../core/errors.js';
import type { Tree } from '../../tree/tree.js';
import { parentOf } from '../../tree/tree-path.js';
import { byteString, bytesOf } from '../bytes.js';

/** A file as a patch sees it: `link` holds its target, as git writes it. */
export interface PatchedFile {
  type: 'file' | 'link';
  text: string;
  mode: number;
}

/**
 * The tree with a patch's changes on top, which are written when every hunk has applied. As with GNU patch, git's parts
 * speak of what was there before all of them (a swap of two names is two renames), so what they change waits until another
 * kind of part, or a part for the same file, follows. What they create or delete is seen at once.
 */
export class ChangedFiles {
  readonly #tree: Tree;
  /** undefined: removed. */
  readonly #changes = new Map<string, PatchedFile | undefined>();
  readonly #waiting = new Map<string, PatchedFile>();
  /** Files that this patch removed, whose folders may be empty now. */
  readonly #left = new Set<string>();
  /** Folders that changes make, and such as they leave empty. */
  readonly #madeFolders = new Set<string>();
  readonly #goneFolders = new Set<string>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Whether a part finds a file or a link at a path. */
  has(path: string): boolean {
    const type = this.#typeOf(path);
    return type === 'file' || type === 'link';
  }

  hasFolder(path: string): boolean {
    return this.#typeOf(path) === 'dir';
  }

  /** The first folder of a path that is none, but a file or a link to somewhere. */
  obstacle(path: string): { path: string; type: 'file' | 'link' } | undefined {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const type = this.#typeOf(path.slice(0, end));
      if (type === 'file' || type === 'link') return { path: path.slice(0, end), type };
    }
    return undefined;
  }

  async read(path: string): Promise<PatchedFile | undefined> {
    if (this.#changes.has(path)) return this.#changes.get(path);
    const entry = this.#tree.entries.get(path);
    if (entry === undefined || this.#goneFolders.has(path)) return undefined;
    if (entry.type === 'link') return { type: 'link', text: byteString(Buffer.from(entry.target)), mode: 0o777 };
    if (entry.type === 'file') return { type: 'file', text: byteString(await this.#tree.read(path)), mode: entry.mode };
    throw new PrestageError('STEP_INVALID', `The patch changes ${JSON.stringify(path)}, which is a folder.`, {
      hint: 'Remove the folder in an earlier step, or leave that part out of the patch.',
      context: { file: path },
    });
  }

  /** Whether a part of git's has changed this file, which is not seen yet. */
  isWaiting(path: string): boolean {
    return this.#waiting.has(path);
  }

  put(path: string, file: PatchedFile, { waits }: { waits: boolean }): void {
    if (waits) this.#waiting.set(path, file);
    else this.#show(path, file);
  }

  remove(path: string): void {
    this.#changes.set(path, undefined);
    this.#left.add(path);
  }

  /** Lets what waits be seen. */
  settle(): void {
    for (const [path, file] of this.#waiting) this.#show(path, file);
    this.#waiting.clear();
  }

  #show(path: string, file: PatchedFile): void {
    this.#changes.set(path, file);
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) {
      this.#madeFolders.add(at);
      this.#goneFolders.delete(at);
    }
  }

  /** A patch is done: folders go from which it took the last file, as with GNU patch. */
  endPatch(): void {
    this.settle();
    const folders = new Set<string>();
    for (const path of this.#left)
      if (!this.has(path)) for (let at = parentOf(path); at !== ''; at = parentOf(at)) folders.add(at);
    this.#left.clear();
    if (folders.size === 0) return;
    const children = this.#countChildren();
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      if ((children.get(folder) ?? 0) > 0) continue;
      this.#goneFolders.add(folder);
      this.#madeFolders.delete(folder);
      children.set(parentOf(folder), (children.get(parentOf(folder)) ?? 0) - 1);
    }
  }

  /** How much is in each folder now. */
  #countChildren(): Map<string, number> {
    const there = new Set([...this.#tree.entries.keys()].filter((path) => this.#typeOf(path) !== undefined));
    for (const [path, file] of this.#changes)
      if (file !== undefined) for (let at = path; at !== ''; at = parentOf(at)) there.add(at);
    const children = new Map<string, number>();
    for (const path of there) children.set(parentOf(path), (children.get(parentOf(path)) ?? 0) + 1);
    return children;
  }

  /** Writes the changes; returns how many files are other than before. */
  async write(): Promise<number> {
    let written = 0;
    const byPath = [...this.#changes].sort(([a], [b]) => (a < b ? -1 : 1));
    // Removals first: a file may give its name to a folder, and a folder to a file.
    for (const [path, file] of byPath) if (file === undefined && (await this.#remove(path))) written += 1;
    for (const folder of [...this.#goneFolders].sort((a, b) => b.length - a.length)) await this.#remove(folder);
    for (const [path, file] of byPath) if (file !== undefined && (await this.#put(path, file))) written += 1;
    return written;
  }

  async #remove(path: string): Promise<boolean> {
    if (!this.#tree.entries.has(path)) return false;
    await this.#tree.remove(path);
    return true;
  }

  async #put(path: string, file: PatchedFile): Promise<boolean> {
    const there = this.#tree.entries.get(path);
    const content = bytesOf(file.text);
    if (file.type === 'link') {
      const target = content.toString('utf8');
      if (there?.type === 'link' && there.target === target) return false;
      if (there) await this.#tree.remove(path);
      await this.#tree.makeLink(path, target);
      return true;
    }
    const isSameMode = there?.type === 'file' && there.mode === file.mode;
    if (isSameMode && there.size === content.length && (await this.#tree.read(path)).equals(content)) return false;
    if (there?.type === 'link') await this.#tree.remove(path);
    else if (there && !isSameMode) await this.#tree.chmod(path, file.mode);
    await this.#tree.write(path, content, file.mode);
    return true;
  }

  #typeOf(path: string): 'file' | 'link' | 'dir' | undefined {
    if (this.#changes.has(path)) return this.#changes.get(path)?.type;
    if (this.#madeFolders.has(path)) return 'dir';
    return this.#goneFolders.has(path) ? undefined : this.#tree.entries.get(path)?.type;
  }
}
