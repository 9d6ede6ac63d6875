import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, PrestageError } from '../../../core/errors.js';
import { rename, rm } from '../../../core/held-files.js';
import { leadFolderLink } from '../../../store/index.js';
import { failed, ok, skipped, type Verdict, warning } from '../../checks/finding.js';
import { FEW_FILES, isFull } from '../full-disk.js';
import { nearestFolder, PROBE } from './root.js';

/** One thing that a store is built on; `works` throws or says false where the file system has it not. */
interface Property {
  lacking: string;
  works(folder: string): Promise<boolean>;
}

const isWindows = process.platform === 'win32';

const NEEDED: readonly Property[] = [
  {
    lacking: 'renaming a file over another one',
    async works(folder) {
      await Promise.all([writeFile(join(folder, 'old'), 'old'), writeFile(join(folder, 'new'), 'new')]);
      await rename(join(folder, 'new'), join(folder, 'old'));
      return (await readFile(join(folder, 'old'), 'utf8')) === 'new';
    },
  },
  {
    lacking: 'renaming a folder',
    async works(folder) {
      await mkdir(join(folder, 'staged', 'in'), { recursive: true });
      await rename(join(folder, 'staged'), join(folder, 'published'));
      return (await stat(join(folder, 'published', 'in'))).isDirectory();
    },
  },
  {
    lacking: 'links to folders',
    async works(folder) {
      await Promise.all([mkdir(join(folder, 'one')), mkdir(join(folder, 'two', 'in'), { recursive: true })]);
      await leadFolderLink('one', join(folder, 'current'));
      await leadFolderLink('two', join(folder, 'current'));
      return (await stat(join(folder, 'current', 'in'))).isDirectory();
    },
  },
  {
    lacking: 'keeping who may execute a file',
    async works(folder) {
      if (isWindows) return true;
      await writeFile(join(folder, 'script'), '#!/bin/sh\nexit 7\n');
      await chmod(join(folder, 'script'), 0o755);
      return ((await stat(join(folder, 'script'))).mode & 0o777) === 0o755;
    },
  },
  {
    lacking: 'running programs from it (it may be mounted noexec)',
    async works(folder) {
      return isWindows || spawnSync(join(folder, 'script')).status === 7;
    },
  },
];

/** Whether the root's file system has what a store needs of it: tried, in a folder that is removed again. */
export async function checkFileSystem(root: string): Promise<Verdict> {
  if (await isFull(root, FEW_FILES))
    return skipped(`The disk of ${root} is full: what its file system can do was not tried.`);
  const folder = await mkdtemp(join(await nearestFolder(root), PROBE));
  try {
    const lacking: string[] = [];
    for (const { lacking: name, works } of NEEDED) {
      const fault = await works(folder).catch((error: unknown) => ` (${reason(error)})`);
      if (fault !== true) lacking.push(`${name}${fault || ''}`);
    }
    if (lacking.length > 0)
      return failed(
        `The file system of ${root} has not what a store needs: ${lacking.join('; ')}.`,
        'Name a `root` on another file system: a local disk, or NFS 4.1.',
      );
    if (!(await isCaseSensitive(folder)))
      return warning(
        `The file system of ${root} takes names for the same that differ only in case.`,
        'A package with two such names cannot be prepared there; all others can.',
      );
    return ok('It renames, links and runs programs as a store needs it.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reason(error: unknown): string {
  const errno = error instanceof PrestageError ? error.context.errno : errnoOf(error);
  return String(errno ?? error);
}

async function isCaseSensitive(folder: string): Promise<boolean> {
  await writeFile(join(folder, 'case'), '');
  return stat(join(folder, 'CASE')).then(
    () => false,
    () => true,
  );
}
