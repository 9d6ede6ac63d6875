import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../core/bounded.js';
import { formatBytes, formatNumber } from '../../core/bytes.js';
import type { Emit } from '../../core/events.js';
import { rm } from '../../core/held-files.js';
import { makeFolder, spaceAvailable } from '../../store/index.js';
import type { LocalLayout } from './layout.js';

/**
 * A full disk must be freed by the commands that free space, and those need some themselves: for locks, records, the states
 * of hosts, the folders of hosts that a rollback starts. So a root keeps a reserve of bytes and of inodes that they give back.
 */
const FILES = 128;
const FILE_BYTES = 8 * 1024;

/** The commands that free space, or bring back what did not fill it. */
const FREEING: ReadonlySet<string> = new Set(['prune', 'rollback', 'destroy']);

export function freesSpace(command: string): boolean {
  return FREEING.has(command);
}

/** Whether there is less than the reserve gives back; `files`: than this many of its files. */
export async function isFull(root: string, files = FILES): Promise<boolean> {
  const { bytes, inodes = files } = await spaceAvailable(root);
  return bytes < files * FILE_BYTES || inodes < files;
}

/** With less than that nothing can be tried on a disk. */
export const FEW_FILES = 16;

/** This many files are left to the programs of hosts where the disk stays nearly full. */
const LEFT = 16;

/**
 * Makes the reserve, or completes it. What fails is no failure of the command.
 * @param scarce takes what little there is, since it was just given back; else there must be plenty of room
 */
export async function keepReserve({ root, reserve }: LocalLayout, { scarce = false } = {}): Promise<void> {
  try {
    const there = (await readdir(reserve).catch(() => [])).length;
    if (there >= FILES) return;
    const { bytes, inodes = Number.POSITIVE_INFINITY } = await spaceAvailable(root);
    const room = Math.floor(Math.min(bytes / FILE_BYTES, inodes)) - LEFT;
    if (room < (scarce ? 1 : 8 * FILES)) return;
    await makeFolder(reserve);
    const names = Array.from({ length: Math.min(FILES - there, room) }, (_, index) => String(there + index));
    // Anything but zeros, which some file systems would not store.
    await mapBounded(names, 16, (name) => writeFile(join(reserve, name), Buffer.alloc(FILE_BYTES, 'reserve')));
  } catch {
    // The next command tries again.
  }
}

/** Gives the reserve back to the file system. */
export async function spendReserve({ reserve }: LocalLayout): Promise<void> {
  await rm(reserve, { recursive: true, force: true });
}

/** Says what a command freed of a full disk; and where it is full still, what takes the space and how to free it. */
export async function tellOfSpace(layout: LocalLayout, before: number, emit: Emit): Promise<void> {
  const { root } = layout;
  const { bytes, inodes } = await spaceAvailable(root);
  const room = `${formatBytes(bytes)}${inodes === undefined ? '' : ` and room for ${formatNumber(inodes)} files`} are free`;
  emit({
    type: 'notice',
    message: `The disk was full. ${formatBytes(Math.max(0, bytes - before))} were freed; ${room} now.`,
  });
  if (!(await isFull(root))) return;
  const sizes = await Promise.all(
    REMEDIES.map(async ([name, remedy]) => ({ name, remedy, bytes: await sizeOf(join(root, name)) })),
  );
  const largest = sizes.filter((item) => item.bytes > 0).sort((a, b) => b.bytes - a.bytes);
  const parts = largest.map(({ name, bytes: size, remedy }) => `${name}/ has ${formatBytes(size)} (${remedy})`);
  emit({
    type: 'warning',
    message: `The disk of ${root} is still full.`,
    hint:
      parts.length === 0
        ? 'Nothing under the root takes space: look for what else does on that file system (`df`, `du`).'
        : `What could be freed: ${parts.join('; ')}.`,
  });
}

const REMEDIES = [
  ['trees', '`prestage prune --keep 1`, or `prestage destroy --purge`'],
  ['hosts', '`prestage destroy`'],
  ['database', '`prestage destroy --purge`, which deletes the data'],
  ['runs', '`prestage destroy --purge`'],
  ['.aside', '`prestage prune`'],
] as const;

/** What a folder takes on the disk, in bytes. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await mapBounded(files, 32, async (path) => (await stat(path).catch(() => undefined))?.blocks ?? 0);
  return sizes.reduce((sum, blocks) => sum + blocks * 512, 0);
}
