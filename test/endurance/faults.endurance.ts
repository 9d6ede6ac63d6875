import { expect, onTestFinished, test } from 'vitest';
import { faultsOf, Preparation } from '../faults/preparation.js';
import { lacks } from '../requirements.js';

test.skipIf(lacks('fuse', 'gcc'))(
  'each operation of a preparation fails with each errno, at four moments: the error says where and what to do, and the same command then succeeds',
  async () => {
    const { preparation, counts } = await Preparation.create();
    onTestFinished(() => preparation.remove());
    const operations = ['create', 'write', 'flush', 'fsync', 'fsyncdir', 'mkdir', 'rmdir', 'symlink', 'link', 'rename'];
    operations.push('unlink', 'chmod', 'open', 'read', 'readdir', 'getattr', 'statfs');
    expect([...counts.store.keys()]).toEqual(expect.arrayContaining(operations));
    expect([...counts.sources.keys()]).toEqual(expect.arrayContaining(['open', 'read', 'readdir', 'getattr']));
    expect(await preparation.wrongWith(faultsOf(counts, [0, 0.25, 0.5, 0.75]))).toEqual([]);
  },
);
