import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { useCloud, withoutCloud } from './cloud.js';

describe.skipIf(withoutCloud)('an environment on AWS', () => {
  const cloud = useCloud();

  test('is prepared by a worker that ends, and then gets its hosts', async () => {
    const project = await cloud.project('dev');
    await project.save();
    const run = await project.aws('deploy --yes');
    console.log(run.stdout, run.stderr);
    expect(run.status).toBe(0);
    expect(await project.workers()).toEqual([]);
    console.log(await readdir(await project.store(), { recursive: true }));
    const status = await project.aws('status');
    console.log(status.stdout, status.stderr);
    const again = await project.aws('deploy --yes');
    console.log(again.stdout, again.stderr);
  }, 400_000);
});
