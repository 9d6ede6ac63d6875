import { mkdtemp, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatBytes, formatNumber } from '../../../core/bytes.js';
import { errnoOf, PrestageError } from '../../../core/errors.js';
import { rmdir } from '../../../core/held-files.js';
import { spaceAvailable } from '../../../store/index.js';
import { failed, ok, skipped, type Verdict, warning } from '../../checks/finding.js';
import { FEW_FILES, isFull } from '../full-disk.js';

/** Less than this is soon used up, whatever is deployed. */
const LITTLE_BYTES = 1024 ** 3;
const FEW_INODES = 10_000;

/** The root where it is there; else the folder above it in which it will be made. @throws where that is no folder */
export async function nearestFolder(root: string): Promise<string> {
  for (let folder = root; ; folder = dirname(folder)) {
    try {
      if ((await stat(folder)).isDirectory()) return folder;
      throw new PrestageError('STORE_UNWRITABLE', `${folder} is a file, and the root is to be a folder there.`, {
        hint: 'Move it away, or name another `root` for the environment.',
        context: { path: folder },
      });
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || folder === dirname(folder)) throw error;
    }
  }
}

/** Whether the root is there, or can be made, and may be written: by writing. */
export async function checkRoot(root: string): Promise<Verdict> {
  const folder = await nearestFolder(root);
  const remedy = 'Check its owner and mode and how it is mounted, or name another `root` for the environment.';
  try {
    await rmdir(await mkdtemp(join(folder, PROBE)));
  } catch (error) {
    if (await isFull(root, FEW_FILES))
      return skipped(`The disk of ${folder} is full: whether it can be written was not tried.`);
    return failed(`${folder} cannot be written (${errnoOf(error) ?? String(error)}).`, remedy);
  }
  return ok(folder === root ? `${root} is there, and can be written.` : `${root} is not there yet, and can be made.`);
}

/** What `doctor` writes, and removes again. */
export const PROBE = '.prestage-doctor-';

export async function checkSpace(root: string): Promise<Verdict> {
  const { bytes, inodes } = await spaceAvailable(root);
  const files = inodes === undefined ? '' : ` and room for ${formatNumber(inodes)} files`;
  if (await isFull(root, FEW_FILES))
    return failed(
      `The disk of ${root} is full: ${formatBytes(bytes)}${files} are free.`,
      'Free some: `prestage prune` removes old releases, `prestage destroy` what hosts wrote; `df` and `du` show what else is there.',
    );
  const found = `${formatBytes(bytes)}${files} are free for ${root}.`;
  if (bytes >= LITTLE_BYTES && (inodes ?? FEW_INODES) >= FEW_INODES) return ok(found);
  return warning(
    found,
    'Free some: `prestage prune` removes old releases. A preparation that needs more than there is says so before it begins.',
  );
}
