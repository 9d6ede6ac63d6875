import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listFolder } from '../../src/plan/index.js';
import type { ReleaseJob } from '../release-job.js';
import { tarGz, zip } from '../small-archives.js';

/** Adds packages that read every kind of input: archives, a folder, patches, files and folders to copy, and a script. */
export async function addManyInputs(job: ReleaseJob): Promise<void> {
  const deep = `${'deep/'.repeat(70)}file.txt`;
  const folder = await folderOf(job, 'app', {
    'bin/run.sh': '#!/bin/sh\necho one\n',
    'conf/app.properties': 'color=red\n',
    'large.bin': Buffer.alloc(3_000_000, 'large'),
    [deep]: 'deep',
    'ü and space/€.txt': 'euro',
  });
  const overlay = await folderOf(job, 'overlay', { 'conf/more.properties': 'size=1\n', 'tool.sh': '#!/bin/sh\n' });
  const empty = await folderOf(job, 'empty', {});
  const patch = await job.file(
    '10-color.patch',
    '--- a/conf/app.properties\n+++ b/conf/app.properties\n@@ -1 +1 @@\n-color=red\n+color=blue\n',
  );
  const notice = await job.file('NOTICE', 'mine\n');
  job.add('app', {
    source: { kind: 'folder', name: 'app', sha256: folder },
    steps: [
      { kind: 'patch', patches: [{ name: '10-color.patch', sha256: patch }], strip: 1, fuzz: 0, optional: false },
      { kind: 'copy', from: { kind: 'folder', name: 'overlay', sha256: overlay }, to: '', optional: false },
      { kind: 'copy', from: { kind: 'folder', name: 'overlay', sha256: overlay }, to: 'again/', optional: false },
      { kind: 'copy', from: { kind: 'file', name: 'NOTICE', sha256: notice }, to: 'NOTICE', optional: false },
    ],
  });
  job.add('nothing', { source: { kind: 'folder', name: 'empty', sha256: empty } });
  await job.package('tarball', tarGz({ 'a/b.txt': 'b', 'c.sh': '#!/bin/sh\n' }), { name: 'tarball.tgz' });
  await job.package('zip', zip({ 'z/a.txt': 'a', 'z/b.sh': '#!/bin/sh\n' }), { name: 'zip.zip' });
  await job.package('single', 'just a file', { name: 'single.txt', extract: false });
  await job.script('boot/api.sh', '#!/bin/sh\necho boot\n');
}

async function folderOf(job: ReleaseJob, name: string, files: Record<string, string | Buffer>): Promise<string> {
  const path = join(job.folder, name);
  await mkdir(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), content, { mode: file.endsWith('.sh') ? 0o755 : 0o644 });
  }
  const [first] = Object.keys(files);
  if (first !== undefined) await symlink(first, join(path, 'link'));
  const { sha256, size } = await listFolder(path);
  job.inputs[sha256] = { kind: 'folder', path, size };
  return sha256;
}
