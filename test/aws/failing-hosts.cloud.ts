import { EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { until } from '../until.js';
import { type CloudProject, succeeded, useCloud, withoutCloud } from './cloud.js';

const ANY = { accessKeyId: 'it', secretAccessKey: 'it' };
const hosts = async (project: CloudProject) =>
  (await project.instances()).map(({ tags }) => tags['prestage:host']).sort();

describe.skipIf(withoutCloud)('hosts on AWS', () => {
  const cloud = useCloud();

  test('that fail: the deployment says which, why and its last words, and the hosts before run on', async () => {
    const project = await cloud.project('failing');
    succeeded(await project.aws('deploy --yes --json'));
    const before = (await project.instances()).map(({ id }) => id).sort();
    await project.write('hosts/jump.py', '#!/bin/sh\necho I cannot do this\nexit 3\n', 0o755);
    const failed = await project.aws('deploy --yes --json');
    expect(failed.result.error).toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(/Host jump-0 did not become healthy: its boot script .* failed: exit status 3/),
      context: { host: 'jump-0', log: expect.arrayContaining([expect.stringContaining('I cannot do this')]) },
    });
    expect((await project.instances()).map(({ id }) => id).sort()).toEqual(before);
    const logs = succeeded(await project.aws('logs jump-0'));
    expect(logs.stdout).toContain('I cannot do this');
    // Repaired, it continues.
    await project.write('hosts/jump.py', '#!/bin/sh\necho well\n', 0o755);
    succeeded(await project.aws('deploy --yes --json'));
    expect(await hosts(project)).toEqual(['api-0', 'api-1', 'jump-0', 'web-0']);
    // A rollback that got stuck is gone on with.
    await cloud.region.putStack('prestage-sample-failing-infrastructure', 'UPDATE_ROLLBACK_FAILED');
    const recovered = succeeded(await project.aws('deploy --yes --json'));
    expect(recovered.events).toContainEqual(
      expect.objectContaining({ type: 'notice', message: expect.stringContaining('UPDATE_ROLLBACK_FAILED') }),
    );
  });

  test('that somebody ended: status says so, and deploy makes them again, on the same release', async () => {
    const project = await cloud.project('ended');
    const { release } = succeeded(await project.aws('deploy --yes --json')).result;
    const before = await project.instances();
    const ended = before.find(({ tags }) => tags['prestage:host'] === 'api-1')?.id ?? '';
    const ec2 = new EC2Client({ region: cloud.region.name, endpoint: cloud.region.endpoint, credentials: ANY });
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [ended] }));
    await until('it to be gone', async () => !(await project.instances()).some(({ id }) => id === ended));
    expect(succeeded(await project.aws('status --json')).result).toMatchObject({
      hosts: expect.arrayContaining([expect.objectContaining({ service: 'api', index: 1, state: 'missing', release })]),
    });
    expect(succeeded(await project.aws('plan --json')).result.phase2).toMatchObject({
      action: 'apply',
      hosts: expect.arrayContaining([
        expect.objectContaining({ host: 'api-1', action: 'replace', reason: 'its instance is gone' }),
        expect.objectContaining({ host: 'api-0', action: 'keep' }),
      ]),
    });
    expect(succeeded(await project.aws('deploy --yes --json')).result).toMatchObject({ release, phase2: 'applied' });
    const after = await project.instances();
    expect(after.map(({ tags }) => tags['prestage:host']).sort()).toEqual(['api-0', 'api-1', 'jump-0', 'web-0']);
    const kept = before.filter(({ id }) => id !== ended).map(({ id }) => id);
    expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(kept));
    expect(succeeded(await project.aws('deploy --yes --json')).result).toMatchObject({ phase2: 'unchanged' });
  });

  test('of a first deployment that fails: what it made goes, and the next one begins again', async () => {
    const project = await cloud.project('first', (config) => {
      config.database = { engine: 'mysql', version: '8.4' };
      config.environments = { first: { target: 'aws', region: cloud.region.name } };
      config.services = { jump: { role: 'jump', boot: 'hosts/jump.py' } };
    });
    await project.write('hosts/jump.py', '#!/bin/sh\nexit 1\n', 0o755);
    await project.save();
    expect((await project.aws('deploy --yes --json')).result.error).toMatchObject({ code: 'HOST_FAILED' });
    await project.write('hosts/jump.py', '#!/bin/sh\necho well\n', 0o755);
    succeeded(await project.aws('deploy --yes --json'));
    expect(await hosts(project)).toEqual(['jump-0']);
    succeeded(await project.aws('destroy --yes --purge'));
  });
});
