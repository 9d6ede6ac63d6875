import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useCloud, withoutCloud } from '../aws/cloud.js';
import type { Run } from '../prestage.js';
import { prestageOn, withoutWine } from './wine.js';

function succeeded(run: Run): Run {
  expect(run.status, run.stdout + run.stderr).toBe(0);
  return run;
}

/** By Node 24, which AWS's parts are tried with least: what is slow here is the region, not Node. */
describe.skipIf(withoutWine || withoutCloud)('an environment on AWS from Windows', () => {
  const cloud = useCloud();

  test('plan changes nothing; deploy uploads, prepares by a worker as on Linux, and starts hosts; destroy removes all', async () => {
    const project = await cloud.project('win');
    await project.save();
    const aws = (line: string) =>
      prestageOn('node-24', `${line} --yes --json --env win`, { cwd: project.folder, env: cloud.region.env });

    const plan = succeeded(
      await prestageOn('node-24', 'plan --json --env win', { cwd: project.folder, env: cloud.region.env }),
    );
    expect(plan.result).toMatchObject({ phase1: { needed: true }, phase2: { action: 'apply' } });
    expect(await cloud.region.calls({ action: 'CreateStack' })).toEqual([]);

    const deployed = succeeded(await aws('deploy'));
    const { release } = deployed.result;
    expect(release).toBe(plan.result.release);
    expect(deployed.result).toMatchObject({ phase1: 'prepared', phase2: 'applied' });
    expect((await project.instances()).map(({ tags }) => tags['prestage:host']).sort()).toEqual([
      'api-0',
      'api-1',
      'jump-0',
      'web-0',
    ]);

    // The same as on Linux, from the same files.
    const linux = await project.run('deploy --yes --json --prepare-files-only --env local');
    expect(linux.result.release).toBe(release);
    const record = await readFile(
      join(await project.store(), 'prestage-sample-win/releases', release ?? '', 'release.json'),
      'utf8',
    );
    expect(
      (JSON.parse(record) as { packages: object[] }).packages.map((item) => 'digest' in item && item.digest),
    ).toEqual(linux.result.packages.map((item) => 'digest' in item && item.digest));

    // Nothing changed: nothing is uploaded, prepared or applied.
    const uploads = (await cloud.region.calls({ service: 's3', action: 'PutObject' })).length;
    expect(uploads).toBeGreaterThan(0);
    expect(succeeded(await aws('deploy')).result).toMatchObject({ phase1: 'ready', phase2: 'unchanged' });

    succeeded(await aws('destroy --purge'));
    expect(await project.instances()).toEqual([]);
    expect(await readdir(project.folder)).toContain('prestage.lock');
  });
});
