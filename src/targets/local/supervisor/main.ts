import { supervise } from './supervise.js';

/**
 * The process beside each host: `node supervisor.js <host's folder> [private-mounts]`. Bundled into one file, so that it goes on as it is
 * while Prestage itself is upgraded.
 */
const [folder, mounts] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('usage: supervisor.js <folder of a host> [private-mounts]\n');
  process.exitCode = 2;
} else {
  await supervise(folder, { privateMounts: mounts === 'private-mounts' });
  // A daemon that `boot` left behind may still hold a handle of ours; our work is done all the same.
  process.exit();
}
