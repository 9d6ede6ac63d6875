import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MACHINE = fileURLToPath(new URL('machine.sh', import.meta.url));
const NAMESPACES = ['--pid', '--mount', '--uts', '--ipc', '--net', '--cgroup', '--fork', '--kill-child'];

/**
 * Runs a script of bash on a machine whose process 1 is this system's systemd, and gives what it wrote. The script finds
 * `folder` as /root/shared.
 * @throws where systemd did not start, with what it said
 */
export async function underSystemd(folder: string, script: string): Promise<string> {
  await writeFile(join(folder, 'job.sh'), script);
  const said = await promisify(execFile)('unshare', [...NAMESPACES, MACHINE, folder, 'job.sh'], {
    timeout: 150_000,
  }).then(
    () => '',
    (error: Error) => error.message,
  );
  return readFile(join(folder, 'out'), 'utf8').catch(() => {
    throw new Error(`systemd did not run the script: ${said}`);
  });
}
