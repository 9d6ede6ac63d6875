import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Run } from '../prestage.js';
import { type CloudProject, succeeded, useCloud, withoutCloud } from './cloud.js';
import { addEarlierReleases, byAction } from './many-releases.js';
import { ACCESS_KEY } from './region.js';

/** The digests of all trees of a release, by package. */
async function digests(root: string, release: string): Promise<Record<string, string>> {
  const record = JSON.parse(await readFile(join(root, 'releases', release, 'release.json'), 'utf8')) as {
    packages: { id: string; digest: string }[];
  };
  return Object.fromEntries(record.packages.map(({ id, digest }) => [id, digest]));
}

const types = ({ events }: Run) => new Set(events.map(({ type }) => type));
const instanceIds = async (project: CloudProject) => (await project.instances()).map(({ id }) => id).sort();

describe.skipIf(withoutCloud)('an environment on AWS', () => {
  const cloud = useCloud();

  test('is prepared by a worker that ends, gets its hosts, another release, the one before, and goes', async () => {
    const project = await cloud.project('dev');
    await project.save();

    // What was begun and never made is in nobody's way.
    await cloud.region.putStack('prestage-sample-dev-foundation', 'REVIEW_IN_PROGRESS');

    // Phase 1 alone.
    const prepared = succeeded(await project.aws('deploy --yes --prepare-files-only --json'));
    const first = prepared.result.release ?? '';
    expect(types(prepared)).toContain('machine.launched');
    expect(await project.workers()).toEqual([]);
    expect(await instanceIds(project)).toEqual([]);
    const store = join(await project.store(), 'prestage-sample-dev');
    expect(await readdir(join(store, 'releases'))).toEqual([first]);

    // The same as on one machine.
    succeeded(await project.run('deploy --yes --prepare-files-only --env local'));
    expect(await digests(store, first)).toEqual(await digests(project.root, first));

    // Phase 2 finds it ready.
    const plan = succeeded(await project.aws('plan --json'));
    expect(plan.result).toMatchObject({ phase1: { needed: false }, phase2: { action: 'apply' } });
    const deployed = succeeded(await project.aws('deploy --yes --json'));
    expect(types(deployed)).not.toContain('machine.launched');
    expect(deployed.events).toContainEqual(expect.objectContaining({ type: 'release.current', release: first }));
    expect((await project.instances()).map(({ tags }) => tags['prestage:host']).sort()).toEqual([
      'api-0',
      'api-1',
      'jump-0',
      'web-0',
    ]);
    const hosts = await instanceIds(project);

    // The page about it knows the worker of the first command, and what the second one made.
    const page = await readFile(deployed.result.report ?? '', 'utf8');
    for (const text of [
      'worker i-',
      '<ins>+mode=prepared',
      'stack prestage-sample-dev-infrastructure',
      '<strong>api-0</strong>',
    ])
      expect(page).toContain(text);
    for (const id of hosts) expect(page).toContain(`#InstanceDetails:instanceId=${id}"`);

    // Nothing changes, and nothing is done: by the same requests, however many releases there are.
    for (const earlier of [0, 19]) {
      const remove = await addEarlierReleases({ region: cloud.region, ...(await project.outputs()) }, first, earlier);
      const before = (await cloud.region.calls()).length;
      const unchanged = succeeded(await project.aws('deploy --yes --json'));
      expect(unchanged.result).toMatchObject({ phase1: 'ready', phase2: 'unchanged' });
      // Hosts ask as well, by keys of their own.
      const asked = (await cloud.region.calls()).slice(before).filter(({ accessKey }) => accessKey === ACCESS_KEY);
      expect(byAction(asked.filter(({ path }) => !path.includes('/hosts/')))).toEqual([
        '1 DeleteObject', // the lock
        '1 DescribeInstances',
        '1 PutObject', // the lock
        '2 GetObject', // the release's record, the last deployment
        '2 GetTemplate',
        '2 ListObjectsV2', // trees, deployments
        '3 DescribeStacks', // one for the way to the lock, and both under it
      ]);
      // What each host said of itself.
      expect(asked.filter(({ path }) => path.includes('/hosts/'))).toHaveLength(hosts.length);
      await remove();
    }
    expect(await instanceIds(project)).toEqual(hosts);

    // Another release beside it: all hosts are others.
    await project.archive('extras', { 'data/two.txt': 'two\n' });
    const change = succeeded(await project.aws('plan --json'));
    expect(change.result).toMatchObject({ phase1: { needed: true }, phase2: { action: 'apply' } });
    expect(change.result.phase2.hosts.map(({ host, action }) => `${host}: ${action}`)).toEqual(
      expect.arrayContaining(['api-0: replace', 'jump-0: replace']),
    );
    const instances = (change.result.phase2.resources ?? []).filter(
      ({ resourceType }) => resourceType === 'AWS::EC2::Instance',
    );
    expect(instances.map(({ action }) => action).sort()).toEqual([...Array(4).fill('add'), ...Array(4).fill('remove')]);
    const upgraded = succeeded(await project.aws('deploy --yes --json'));
    const second = upgraded.result.release ?? '';
    expect(second).not.toBe(first);
    expect((await readdir(join(store, 'releases'))).sort()).toEqual([first, second].sort());
    expect((await instanceIds(project)).filter((id) => hosts.includes(id))).toEqual([]);

    // And back, without a worker.
    const back = succeeded(await project.aws('rollback --yes --json'));
    expect(types(back)).not.toContain('machine.launched');
    const status = succeeded(await project.aws('status --json'));
    expect(status.result).toMatchObject({ release: first, temporary: [] });

    // What is prepared stays, unless it is to go.
    succeeded(await project.aws('destroy --yes'));
    expect(await instanceIds(project)).toEqual([]);
    expect((await readdir(join(store, 'releases'))).sort()).toEqual([first, second].sort());
    succeeded(await project.aws('destroy --yes --purge'));
    await expect(project.store()).rejects.toThrow(/does not exist/);
    expect(await cloud.region.machines()).toMatchObject({ mountTargets: [] });
  }, 600_000);
});
