import type { PrestageEvent } from '../../core/events.js';
import { textDiff } from '../../core/text-diff.js';
import type { Tree } from '../tree/tree.js';

type ChangedFile = Extract<PrestageEvent, { type: 'package.changed' }>['files'][number];

/** Files of a step that are named; the others are counted. */
const MAX_NAMED = 500;
/** A text that is longer is not read line by line by anybody. */
const MAX_TEXT_BYTES = 256 * 1024;
/** Texts that are held in memory for one step. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** Files that are read again, since what the step had read of them was not held. */
const MAX_READ_AGAIN = 20;
/** Characters of one line, and of all diffs of one step. */
const MAX_LINE = 400;
const MAX_DIFF = 64 * 1024;

interface Touched {
  /** Whether it was there before the step, and is now. */
  existed: boolean;
  exists: boolean;
  /** Its content is other than it was, and not its mode alone. */
  written: boolean;
  /** What was in it and what is, where both are known and short. */
  texts?: { before: Buffer; after: Buffer };
}

/** What one step changed. */
export interface Changes {
  files: ChangedFile[];
  /** Files that it changed and that are not named. */
  more: number;
}

/** A tree as one step has it: it passes everything on, and keeps what was changed and the texts that passed through. */
export class WatchedTree implements Tree {
  readonly #tree: Tree;
  readonly #makesTexts: boolean;
  readonly #touched = new Map<string, Touched>();
  readonly #read = new Map<string, Buffer>();
  #heldBytes = 0;
  #readAgain = 0;

  /** `makesTexts`: a new file is of the step's own making, and so all of it is what the step changed. */
  constructor(tree: Tree, { makesTexts }: { makesTexts: boolean }) {
    this.#tree = tree;
    this.#makesTexts = makesTexts;
  }

  get entries(): Tree['entries'] {
    return this.#tree.entries;
  }

  absolute(path: string): string {
    return this.#tree.absolute(path);
  }

  async read(path: string): Promise<Buffer> {
    const content = await this.#tree.read(path);
    if (!this.#touched.has(path) && this.#mayHold(content)) this.#read.set(path, content);
    return content;
  }

  async write(path: string, content: Uint8Array, mode?: number): Promise<void> {
    const before = this.#touched.get(path)?.texts?.before ?? (await this.#textBefore(path));
    const after = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const touched = this.#touch(path);
    touched.exists = true;
    touched.written = true;
    if (before !== undefined && this.#mayHold(after)) touched.texts = { before, after };
    else delete touched.texts;
    return this.#tree.write(path, content, mode);
  }

  writeStream(path: string, content: AsyncIterable<Uint8Array>, mode: number, sizeHint?: number): Promise<void> {
    this.#replaced(path);
    return this.#tree.writeStream(path, content, mode, sizeHint);
  }

  makeFolder(path: string, mode?: number): Promise<void> {
    return this.#tree.makeFolder(path, mode);
  }

  makeLink(path: string, target: string): Promise<void> {
    this.#replaced(path);
    return this.#tree.makeLink(path, target);
  }

  remove(path: string): Promise<void> {
    const doomed = this.entries.get(path)?.type === 'dir' ? this.#filesBelow(path) : [path];
    for (const each of doomed) this.#touch(each).exists = false;
    return this.#tree.remove(path);
  }

  chmod(path: string, mode: number): Promise<void> {
    if (this.entries.get(path)?.type === 'file') this.#touch(path);
    return this.#tree.chmod(path, mode);
  }

  accept(acceptance: Parameters<Tree['accept']>[0]): void {
    this.#tree.accept(acceptance);
  }

  settled(): Promise<void> {
    return this.#tree.settled();
  }

  /** What has changed, in the order of the paths. @param secrets values that nobody is to read */
  changes(secrets: readonly string[]): Changes {
    const all = [...this.#touched].filter(([, { existed, exists }]) => existed || exists);
    all.sort(([a], [b]) => (a < b ? -1 : 1));
    let left = MAX_DIFF;
    const files = all.slice(0, MAX_NAMED).map(([path, touched]): ChangedFile => {
      const diff = left > 0 ? diffOf(touched, secrets, left) : undefined;
      left -= diff?.join('\n').length ?? 0;
      return { path, change: changeOf(touched), ...(diff === undefined ? {} : { diff }) };
    });
    return { files, more: all.length - files.length };
  }

  #touch(path: string): Touched {
    const known = this.#touched.get(path);
    if (known) return known;
    const there = this.entries.has(path);
    const touched = { existed: there, exists: there, written: false };
    this.#touched.set(path, touched);
    return touched;
  }

  /** By something that nobody reads as text. */
  #replaced(path: string): void {
    const touched = this.#touch(path);
    touched.exists = true;
    touched.written = true;
    delete touched.texts;
  }

  /** What a diff of a file that is about to be written is made with. */
  async #textBefore(path: string): Promise<Buffer | undefined> {
    const held = this.#read.get(path);
    if (held !== undefined) return held;
    const entry = this.entries.get(path);
    // A template's text is what its file was made of.
    if (entry === undefined) return this.#makesTexts ? (this.#read.get(`${path}.tmpl`) ?? Buffer.alloc(0)) : undefined;
    const wasRead = this.#makesTexts || this.#read.size > 0;
    if (entry.type !== 'file' || entry.size > MAX_TEXT_BYTES || !wasRead) return undefined;
    if (this.#readAgain === MAX_READ_AGAIN) return undefined;
    this.#readAgain += 1;
    return this.#tree.read(path);
  }

  #filesBelow(folder: string): string[] {
    const paths: string[] = [];
    for (const [path, { type }] of this.entries) if (type !== 'dir' && path.startsWith(`${folder}/`)) paths.push(path);
    return paths;
  }

  #mayHold(content: Buffer): boolean {
    if (content.length > MAX_TEXT_BYTES || this.#heldBytes + content.length > MAX_HELD_BYTES) return false;
    this.#heldBytes += content.length;
    return true;
  }
}

function changeOf({ existed, exists, written }: Touched): ChangedFile['change'] {
  if (!existed) return 'added';
  if (!exists) return 'removed';
  return written ? 'changed' : 'mode';
}

/** Undefined where a text is not known, or what is in it is not text. */
function diffOf({ exists, texts }: Touched, secrets: readonly string[], left: number): string[] | undefined {
  const lines = exists && texts !== undefined ? textDiff(texts.before, texts.after, secrets) : undefined;
  return lines === undefined || lines.length === 0 ? undefined : shortened(lines, left);
}

function shortened(lines: readonly string[], left: number): string[] {
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    if (length > left) return [...kept, `@@ ${lines.length - kept.length} more lines are not shown @@`];
    const shown = line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
    kept.push(shown);
    length += shown.length + 1;
  }
  return kept;
}
