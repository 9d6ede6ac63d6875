import { PrestageError } from '../../../core/errors.js';
import type { Tree } from '../../tree/tree.js';
import { byteString, bytesOf } from '../bytes.js';

/** A file as a patch sees it: `link` holds its target, as git writes it. */
export interface PatchedFile {
  type: 'file' | 'link';
  text: string;
  mode: number;
}

/**
 * The tree with a patch's changes on top, which are written when every hunk has applied. Git's parts speak of what was
 * there before all of them (a swap of two names is two renames), so their results wait until another kind of part, or a
 * part for the same file, follows.
 */
export class ChangedFiles {
  readonly #tree: Tree;
  /** undefined: removed. */
  readonly #changes = new Map<string, PatchedFile | undefined>();
  readonly #waiting = new Map<string, PatchedFile | undefined>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** What a part finds at a path. */
  has(path: string): boolean {
    return this.#changes.has(path) ? this.#changes.get(path) !== undefined : this.#treeType(path) !== undefined;
  }

  async read(path: string): Promise<PatchedFile | undefined> {
    if (this.#changes.has(path)) return this.#changes.get(path);
    const entry = this.#tree.entries.get(path);
    if (entry === undefined) return undefined;
    if (entry.type === 'link') return { type: 'link', text: byteString(Buffer.from(entry.target)), mode: 0o777 };
    if (entry.type === 'file') return { type: 'file', text: byteString(await this.#tree.read(path)), mode: entry.mode };
    throw new PrestageError('STEP_INVALID', `The patch changes ${JSON.stringify(path)}, which is a folder.`, {
      context: { file: path },
    });
  }

  /** Whether a part of git's has made or changed this file, which is not seen yet. */
  isWaiting(path: string): boolean {
    return this.#waiting.get(path) !== undefined;
  }

  /** Takes a part's result: at once, or after the run of git's parts that it belongs to. */
  set(path: string, file: PatchedFile | undefined, isGit: boolean): void {
    if (!isGit) this.#changes.set(path, file);
    // A name that one part of a run leaves and another one takes is taken.
    else if (file !== undefined || !this.#waiting.has(path)) this.#waiting.set(path, file);
  }

  /** Lets what waits be seen. */
  settle(): void {
    for (const [path, file] of this.#waiting) this.#changes.set(path, file);
    this.#waiting.clear();
  }

  /** Writes the changes; returns how many files are other than before. */
  async write(): Promise<number> {
    this.settle();
    let written = 0;
    const byPath = [...this.#changes].sort(([a], [b]) => (a < b ? -1 : 1));
    // Removals first: a file may give its name to a folder.
    for (const [path, file] of byPath) if (file === undefined && (await this.#remove(path))) written += 1;
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

  #treeType(path: string): 'file' | 'link' | undefined {
    const type = this.#tree.entries.get(path)?.type;
    return type === 'dir' ? undefined : type;
  }
}
