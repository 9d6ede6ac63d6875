import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { HostLog } from './host-log.js';

/** mount(8): a bind mount takes its options only when it is mounted again. */
const READ_ONLY =
  'for folder in "$@"; do mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder" || exit; done';

/**
 * Makes trees and releases read-only for this process and all that it starts, as hosts on AWS see them. Only where it has
 * mounts of its own. False where they cannot be: then what hosts write is looked for (hosts/changed-files.ts).
 */
export function makeStoreReadOnly(root: string, log: HostLog): boolean {
  const folders = ['trees', 'releases'].map((name) => join(root, name));
  const { stderr } = spawnSync('sh', ['-c', READ_ONLY, 'sh', ...folders], { encoding: 'utf8' });
  const done = folders.every(isReadOnly);
  if (!done) log.say(`the prepared files could not be made read-only: ${stderr.trim()}`);
  return done;
}

function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}
