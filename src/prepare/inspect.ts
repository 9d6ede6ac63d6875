import { PrestageError } from '../core/errors.js';
import type { TreeEntry } from '../store/index.js';
import { archiveFile, extractArchive, recogniseFile } from './archives/index.js';
import { parsePatch } from './steps/patch/parse.js';
import type { Tree } from './tree/tree.js';

/** What an archive holds, or why it is refused. */
export interface ArchiveListing {
  /** `tar.gz` */
  format: string;
  /** Paths of its files and links, as they stand in it. */
  files: string[];
  refused?: PrestageError;
}

/**
 * The names in an archive file, found by reading all of it under the rules of a preparation; nothing is written.
 * @returns undefined where the file is no archive
 * @throws what the signal was aborted with, and what the file system refuses
 */
export async function listArchive(file: string, signal: AbortSignal): Promise<ArchiveListing | undefined> {
  const input = archiveFile(file);
  const tree = new NamesOnly();
  try {
    const format = await recogniseFile(file, input.name);
    if (format === undefined) return undefined;
    await extractArchive(input, tree, { strip: 0, signal });
    return { format, files: tree.files() };
  } catch (error) {
    if (!(error instanceof PrestageError) || signal.aborted) throw error;
    return { format: 'archive', files: tree.files(), refused: error };
  }
}

/** The names of the files that a patch changes, as it gives them: of each part the new one, or the old one where it deletes. */
export function namesInPatch(content: Buffer, name: string): string[] {
  return parsePatch(content, name, 1).flatMap(({ names, new: side }) => {
    const found = side === 'missing' ? names.old : (names.new ?? names.old ?? names.index);
    return found ?? [];
  });
}

/** A tree that keeps what there would be, and writes nothing. */
class NamesOnly implements Tree {
  readonly entries = new Map<string, TreeEntry>();

  files(): string[] {
    return [...this.entries].flatMap(([path, { type }]) => (type === 'dir' ? [] : [path])).sort();
  }

  absolute(path: string): string {
    return path;
  }

  async read(): Promise<Buffer> {
    return Buffer.alloc(0);
  }

  async write(path: string, content: Uint8Array, mode = 0o644): Promise<void> {
    this.entries.set(path, { type: 'file', mode, size: content.length, sha256: '' });
  }

  async writeStream(path: string, content: AsyncIterable<Uint8Array>, mode: number): Promise<void> {
    let size = 0;
    for await (const chunk of content) size += chunk.length;
    // A hard link to it is then read as a small file, which this tree can give.
    this.entries.set(path, { type: 'file', mode, size: Math.min(size, 1), sha256: '' });
  }

  async makeFolder(path: string, mode = 0o755): Promise<void> {
    this.entries.set(path, { type: 'dir', mode });
  }

  async makeLink(path: string, target: string): Promise<void> {
    this.entries.set(path, { type: 'link', target });
  }

  async remove(path: string): Promise<void> {
    this.entries.delete(path);
  }

  accept(): void {}
  async chmod(): Promise<void> {}
  async settled(): Promise<void> {}
}
