import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, link, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import * as z from 'zod';
import { errnoOf } from '../../../core/errors.js';
import { rename, rm } from '../../../core/held-files.js';
import type { PostgresPackage } from './postgres-package.js';

const links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The server's programs in a folder of this root, complete. In the package they are not: npm packages hold no symlinks,
 * the script that would make them after installation is blocked by newer versions of npm, and an `npm ci` would pull the
 * libraries from under a running server. Hard links where that is possible, so it takes no space and some 30 ms.
 */
export async function provideRuntime(
  databaseFolder: string,
  { native, packageVersion }: PostgresPackage,
): Promise<string> {
  const runtime = join(databaseFolder, `runtime-${packageVersion}`);
  if (existsSync(runtime)) return runtime;
  const staging = `${runtime}.${randomUUID()}`;
  try {
    await copyTree(native, staging);
    await makeLinks(native, staging);
    await rename(staging, runtime);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (!existsSync(runtime)) throw error;
  }
  return runtime;
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  const executable = from.endsWith('bin');
  await Promise.all(
    (await readdir(from, { withFileTypes: true })).map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) return copyTree(source, target);
      if (!entry.isFile()) return;
      if (executable) {
        // A copy of its own, since its mode may have been lost on the way, and must not be changed in the package.
        await copyFile(source, target);
        await chmod(target, 0o755);
      } else await linkOrCopy(source, target);
    }),
  );
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    // Another file system, one without links, or a file that belongs to somebody else (protected_hardlinks).
    if (errnoOf(error) === 'ENOENT') throw error;
    await copyFile(source, target);
  }
}

/** pg-symlinks.json names paths from the package's folder: `native/lib/libpq.so.5.16` is what `native/lib/libpq.so.5` links to. */
async function makeLinks(native: string, staging: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of links.parse(JSON.parse(await readFile(list, 'utf8')))) {
    const path = join(staging, relative('native', target));
    await mkdir(dirname(path), { recursive: true });
    await symlink(relative(dirname(target), source), path);
  }
}
