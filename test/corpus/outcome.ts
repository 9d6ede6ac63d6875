import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PrestageError } from '../../src/core/errors.js';
import { archiveFile, extractArchive } from '../../src/prepare/archives/index.js';
import { StagedTree } from '../../src/prepare/tree/staged-tree.js';
import type { TreeEntry } from '../../src/store/index.js';
import { type Format, type Reader, treeBy } from '../readers/readers.js';
import { type Tree, treeIn, treeOf } from '../readers/tree-in.js';

/** What came of one archive: what we say of it, and what bsdtar makes of it. */
export interface Outcome {
  /** Undefined where we unpack it. */
  refusal: Refusal | undefined;
  bsdtar: 'refuses it' | 'reads it' | 'same tree' | 'other tree' | 'makes devices where it may';
  /** Where bsdtar does not make our tree: other programs that do, and those that make another one. */
  others: { same: string[]; other: string[] };
}

export interface Refusal {
  code: string;
  reason: string;
  says: string;
}

interface Unpacked {
  format: string;
  entries: ReadonlyMap<string, TreeEntry>;
}

/** Unpacks an archive twice, by us and by bsdtar. */
export async function outcomeOf(file: string, readers: readonly Reader[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-corpus-'));
  try {
    const [ours, bsdtars] = [join(folder, 'ours'), join(folder, 'bsdtar')];
    for (const each of [ours, bsdtars]) mkdirSync(each);
    const [unpacked, isRead] = await Promise.all([unpack(file, ours), unpackByBsdtar(file, bsdtars)]);
    if ('code' in unpacked)
      return { refusal: unpacked, bsdtar: bsdtarsAnswer(unpacked, isRead), others: { same: [], other: [] } };
    const isSame = isRead && isEqual(treeOf(unpacked.entries, { modes: true }), treeIn(bsdtars, { modes: true }));
    if (isSame) return { refusal: undefined, bsdtar: 'same tree', others: { same: [], other: [] } };
    const others = await whatOthersSee(file, unpacked, folder, readers);
    return { refusal: undefined, bsdtar: isRead ? 'other tree' : 'refuses it', others };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function bsdtarsAnswer({ reason }: Refusal, isRead: boolean): Outcome['bsdtar'] {
  if (reason === 'special-file') return 'makes devices where it may';
  return isRead ? 'reads it' : 'refuses it';
}

async function unpack(file: string, folder: string): Promise<Unpacked | Refusal> {
  const staged = new StagedTree(folder, { concurrency: 64 });
  try {
    const { format } = await extractArchive(archiveFile(file), staged, { strip: 0 });
    return { format, entries: staged.entries };
  } catch (error) {
    if (error instanceof PrestageError && error.code !== 'INTERNAL') return refusalOf(error, basename(file));
    throw error;
  }
}

/** What programs other than bsdtar make of it. */
async function whatOthersSee(
  file: string,
  { format, entries }: Unpacked,
  within: string,
  readers: readonly Reader[],
): Promise<Outcome['others']> {
  const container = format.split('.')[0] as Format;
  const others: Outcome['others'] = { same: [], other: [] };
  for (const reader of readers) {
    if (reader.name === 'bsdtar' || !reader.formats.includes(container)) continue;
    const tree = await treeBy(reader, file, container, within);
    if (tree !== undefined) others[isEqual(treeOf(entries), tree) ? 'same' : 'other'].push(reader.name);
  }
  return others;
}

function refusalOf(error: PrestageError, name: string): Refusal {
  const says = error.message.replaceAll(`${name}: `, '').replaceAll(name, 'it');
  return { code: error.code, reason: String(error.context.reason ?? ''), says };
}

/** What libarchive's own tests give; without one, bsdtar would ask for it without end. */
const PASSPHRASE = 'password';

/** As root it would keep owners; names are UTF-8 where it has to know. One damaged RAR would keep it for ever. */
function unpackByBsdtar(file: string, folder: string): Promise<boolean> {
  const options = ['--no-same-owner', '--no-xattrs', '--no-acls', '--no-fflags', '--passphrase', PASSPHRASE];
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  const limited = ['-c', 'ulimit -t 3; exec bsdtar "$@"', 'sh', '-xf', file, ...options];
  return new Promise((resolve, reject) => {
    spawn('sh', limited, { cwd: folder, env, stdio: 'ignore' })
      .on('error', reject)
      .on('close', (status) => resolve(status === 0));
  });
}

function isEqual(one: Tree, other: Tree): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
