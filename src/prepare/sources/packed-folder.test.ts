import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from '../../../test/http-server.js';
import { contentsOf } from '../../../test/release-job.js';
import { type Files, tar } from '../../../test/small-archives.js';
import { sha256 } from '../../core/digest.js';
import { listingDigest } from '../../plan/index.js';
import { StagedTree } from '../tree/staged-tree.js';
import { unpackFolder } from './packed-folder.js';
import { Remotes } from './remotes.js';

/** Unpacks what a server has at the address. */
async function unpacked(archive: Buffer, digest: string) {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-packed-'));
  const remotes = new Remotes();
  onTestFinished(async () => {
    await remotes.close();
    await rm(folder, { recursive: true });
  });
  const server = await serve((_, response) => response.end(archive));
  await mkdir(join(folder, 'tree'));
  const tree = new StagedTree(join(folder, 'tree'), { concurrency: 8 });
  const retry = { signal: new AbortController().signal, onRetry: () => {}, maxFailures: 1 };
  await unpackFolder(tree, { url: `${server}/folder.tar`, sha256: digest, size: archive.length }, { remotes, retry });
  return join(folder, 'tree');
}

const files: Files = { 'a.txt': 'a', 'run.sh': '#!/bin/sh\n' };
const digestOf = (what: Files): string =>
  listingDigest(
    Object.entries(what).map(([path, content]) => ({
      type: 'file',
      path,
      mode: path.endsWith('.sh') ? 0o755 : 0o644,
      size: content.length,
      sha256: sha256(content),
    })),
  );

test('is unpacked as the folder was, with who may execute what', async () => {
  const folder = await unpacked(tar(files), digestOf(files));
  expect(await contentsOf(folder)).toEqual({ 'a.txt': 'a', 'run.sh': 'x #!/bin/sh\n' });
});

test('may be an empty folder', async () => {
  expect(await readdir(await unpacked(tar({}), digestOf({})))).toEqual([]);
});

test.each<[string, Buffer]>([
  ['a file of other content', tar({ ...files, 'a.txt': 'b' })],
  ['a file more', tar({ ...files, 'b.txt': 'b' })],
  ['a file less', tar({ 'a.txt': 'a' })],
  ['another mode', tar({ 'a.txt': 'a', run: '#!/bin/sh\n' })],
  ['a file that leaves the folder', tar({ ...files, '../b.txt': 'b' })],
  ['its end cut off', tar(files).subarray(0, 1200)],
  ['bytes that are no tar', Buffer.alloc(2048, 'x')],
  ['nothing at all', Buffer.alloc(0)],
])('is refused with %s', async (_, archive) => {
  await expect(unpacked(archive, digestOf(files))).rejects.toMatchObject({
    code: 'SOURCE_MOVED',
    retryable: true,
    message: expect.stringMatching(/folder\.tar is not the folder that was uploaded: /),
  });
});
