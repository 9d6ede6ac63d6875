import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rmSync } from '../../../core/held-files.js';
import { type Host, provideWorkingFolder, rootOf } from './host.js';

/**
 * Copies what a program writes into from the release, which is read-only, to the working folder. What an earlier attempt left there
 * is replaced. @throws Error with what is not in the release, or cannot be written
 */
export function copyFiles(host: Host, files: Readonly<Record<string, string>>): void {
  const { spec, log, files: places } = host;
  provideWorkingFolder(host);
  const release = join(rootOf(spec), 'releases', spec.release);
  for (const [to, from] of Object.entries(files)) {
    const source = join(release, from);
    if (!existsSync(source)) throw new Error(`${from}, which its \`files\` name, is not in release ${spec.release}`);
    const target = join(places.work, to);
    demandNoLinks(places.work, to);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(dirname(target), { recursive: true });
    // A release's folders are links to trees; links within a tree stay what they are.
    cpSync(realpathSync(source), target, { recursive: true, verbatimSymlinks: true });
    makeWritable(target);
    log.say(`copied ${from} to ${to}`);
  }
}

/** A boot script that failed may have left links there, and copies are made with our rights. */
function demandNoLinks(work: string, to: string): void {
  const folders = to.split('/').slice(0, -1);
  for (const [i] of folders.entries()) {
    const folder = join(work, ...folders.slice(0, i + 1));
    if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new Error(`${to} of its \`files\` would be copied through ${folder}, which is a link`);
  }
}

function makeWritable(path: string): void {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return;
  if ((stats.mode & 0o200) === 0) chmodSync(path, (stats.mode & 0o7777) | 0o200);
  if (stats.isDirectory()) for (const name of readdirSync(path)) makeWritable(join(path, name));
}
