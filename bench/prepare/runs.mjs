import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const jiti = createJiti(import.meta.url);
const { mountLatency } = await jiti.import('../../test/latencyfs/mount.ts');
const { goTool } = await jiti.import('../../test/requirements.ts');
const command = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
const peerScript = fileURLToPath(new URL('peer.sh', import.meta.url));

const patch =
  '--- a/conf/app.properties\n+++ b/conf/app.properties\n@@ -1,2 +1,2 @@\n-color=red\n+color=blue\n mode=plain\n';

const scratches = [];

/**
 * A fresh folder, on the local disk or below latencyfs, for the time of `work`. Its small files stay until `cleanUp`:
 * ext4 does not give out an inode again that was freed a moment ago, and creating a file looks past each of those, so
 * that what one run deletes makes the next one slower by seconds.
 * @returns what `work` does, with the operations that were counted where it is latencyfs
 */
export async function inFreshFolder({ slow }, work) {
  const scratch = await mkdtemp(join(tmpdir(), 'prestage-bench-'));
  scratches.push(scratch);
  const mounted = slow ? await mountLatency(join(scratch, 'backing')) : undefined;
  let counts;
  try {
    // What other runs left to be written is not this one's to flush.
    await once(spawn('sync', ['-f', scratch]), 'close');
    const result = await work({ scratch, folder: mounted?.folder ?? join(scratch, 'local') });
    counts = await mounted?.unmount();
    return { ...result, counts };
  } finally {
    if (mounted && !counts) await mounted.unmount();
    await once(spawn('find', [scratch, '-size', '+16M', '-delete']), 'close');
  }
}

export async function cleanUp() {
  for (const scratch of scratches) await rm(scratch, { recursive: true, force: true });
}

/** The same of archives that are on S3. */
export async function makeRemoteProject(folder, root, archives, { isPinned }) {
  await mkdir(folder, { recursive: true });
  const integrity = ({ sha256 }) => (isPinned ? { integrity: `sha256:${sha256}` } : {});
  return writeProject(
    folder,
    root,
    archives.map((archive) => ({ source: `s3://inputs/${archive.name}`, ...integrity(archive) })),
  );
}

/** A project of these archives, beside what is measured: its digests are not known yet. */
export async function makeProject(folder, root, archives) {
  await mkdir(join(folder, 'files'), { recursive: true });
  for (const [index, archive] of archives.entries()) setSource(folder, index, archive);
  return writeProject(
    folder,
    root,
    archives.map((archive, index) => ({ source: sourceOf(index, archive) })),
  );
}

async function writeProject(folder, root, sources) {
  const packages = {};
  for (const [index, source] of sources.entries()) {
    packages[`app-${index}`] = {
      ...source,
      destination: `opt/app-${index}`,
      extract: { strip: 1 },
      steps: [
        { patch: 'change.patch' },
        { replace: { files: 'bin/start.sh', from: 'yum -y', to: 'dnf -y', expect: 1 } },
      ],
    };
  }
  await writeFile(join(folder, 'change.patch'), patch);
  const config = { name: 'bench', packages, environments: { local: { target: 'local', root } } };
  await writeFile(join(folder, 'prestage.config.json'), JSON.stringify(config));
  return folder;
}

/**
 * The archive of one package; in place of another where there is one. A link, so that nothing has to be flushed; but a
 * link changes the times of what it leads to, so only one benchmark may run at a time.
 */
export function setSource(folder, index, archive) {
  const path = join(folder, sourceOf(index, archive));
  linkSync(archive.path, `${path}.new`);
  renameSync(`${path}.new`, path);
}

function sourceOf(index, archive) {
  return `files/app-${index}${archive.name.endsWith('.jar') ? '.jar' : '.tar.gz'}`;
}

/** The built command, as a user runs it. */
export function prestage(project, line, environment) {
  return timed(process.execPath, [command, ...line.split(' '), '--config', project, '--json'], environment);
}

export async function peer(archive, root, scratch) {
  const change = join(scratch, 'change.patch');
  await writeFile(change, patch);
  return timed(peerScript, [archive.path, archive.sha256, root, change]);
}

/** All of them by s5cmd to a local folder, and then each as if it had always been there. */
export async function peerOfS3(archives, root, scratch, environment) {
  const change = join(scratch, 'change.patch');
  await writeFile(change, patch);
  const jobs = archives.map(
    ({ name, sha256 }, index) => `'${peerScript}' '${scratch}/in/${name}' ${sha256} '${root}/${index}' '${change}'`,
  );
  const fetchAll = `'${goTool('s5cmd')}' --log error cp 's3://inputs/*' '${scratch}/in/'`;
  return timed('sh', ['-c', ['set -e', fetchAll, ...jobs].join('\n')], environment);
}

export function shell(script) {
  return timed('sh', ['-c', script]);
}

/** @returns its time, and the most memory that it and all that it started held at one time, each at its highest until then */
async function timed(program, args, environment = {}) {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  let memory = 0;
  const watch = setInterval(() => {
    memory = Math.max(memory, memoryOf(child.pid));
  }, 50);
  const [status] = await once(child, 'close');
  const ms = performance.now() - started;
  clearInterval(watch);
  if (status !== 0) throw new Error(`${basename(program)} ${args.join(' ')} exited ${status}: ${output.slice(-2000)}`);
  return { ms, memory };
}

/** Of a process and all below it. The worker is a session of its own, and is found by its parent while that lives. */
function memoryOf(root) {
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = /^.*\) \S (\d+)/s.exec(readProc(pid, 'stat'))?.[1];
    if (parent) parents.set(Number(pid), Number(parent));
  }
  let bytes = 0;
  for (const [pid, parent] of parents) {
    let at = pid;
    while (at !== root && at !== undefined) at = parents.get(at);
    if (at !== root || isCopy(pid, parent)) continue;
    bytes += Number(/VmHWM:\s+(\d+)/.exec(readProc(pid, 'status'))?.[1] ?? 0) * 1024;
  }
  return bytes;
}

/** Between fork and exec a process has its parent's command line, and its parent's memory, which it shares. */
function isCopy(pid, parent) {
  return readProc(pid, 'cmdline') === readProc(parent, 'cmdline');
}

/** Empty where the process has ended since. */
function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
