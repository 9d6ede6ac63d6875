import { randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { rename, rm } from './held-files.js';

/** Writes a text file so that a reader sees the old or the new one, never a part, whatever dies in between. */
export async function writeAtomic(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const staged = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(staged, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(staged, path);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
}
