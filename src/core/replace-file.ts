import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { renameSync, rmSync } from './held-files.js';

/**
 * Puts a small file in place at once, for readers in other processes of this machine. Not flushed: what it holds is
 * about processes, and a crash of the machine ends those too. Synchronous, so that a supervisor's states keep their order.
 */
export function replaceFile(path: string, content: string, mode = 0o600): void {
  const fresh = `${path}.${randomUUID()}`;
  try {
    writeFileSync(fresh, content, { mode });
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}
