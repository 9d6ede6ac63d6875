import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StagedTree } from '../../src/prepare/tree/staged-tree.js';
import { mountLatency } from '../latencyfs/mount.js';
import { lacks } from '../requirements.js';

async function* large(): AsyncGenerator<Buffer> {
  for (let i = 0; i < 30; i += 1) yield Buffer.alloc(64 * 1024, i);
}

// `flush` is what a close asks of a file system.
test.skipIf(lacks('fuse', 'gcc')).each([{ op: 'create' }, { op: 'write' }, { op: 'flush' }])(
  'a large file that is written from a stream and fails at its $op is named in the error',
  async ({ op }) => {
    const folder = await mkdtemp(join(tmpdir(), 'prestage-streamed-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const fail = { op, errno: constants.errno.ENOSPC, after: 0, count: 1 };
    const ill = await mountLatency(folder, { rttUs: 0, fail });
    const tree = new StagedTree(ill.folder, { concurrency: 4 });
    const error = await tree.writeStream('large', large(), 0o644, 2_000_000).catch((failure: unknown) => failure);
    await ill.unmount();
    const path = join(ill.folder, 'large');
    expect(error).toMatchObject({ code: 'DISK_FULL', context: { path }, message: expect.stringContaining(path) });
  },
);
