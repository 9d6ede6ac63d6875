import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import type { Run } from '../prestage.js';
import { until } from '../until.js';
import { type CloudProject, useCloud, withoutCloud } from './cloud.js';

function succeeded(run: Run): Run {
  if (run.status !== 0) throw new Error(`${run.stdout}\n${run.stderr}`);
  return run;
}

const ANY = { accessKeyId: 'it', secretAccessKey: 'it' };
const types = ({ events }: Run) => events.map(({ type }) => type as string);
const hosts = async (project: CloudProject) =>
  (await project.instances()).map(({ tags }) => tags['prestage:host']).sort();

describe.skipIf(withoutCloud)('hosts on AWS', () => {
  const cloud = useCloud();

  test('in a single phase: the jump host prepares, the others wait, and a second deployment changes nothing', async () => {
    const project = await cloud.project('single');
    const run = succeeded(await project.aws('deploy --yes --single-phase --json'));
    expect(types(run)).not.toContain('machine.launched');
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'host.files', host: 'jump-0', state: 'preparing' }),
    );
    const { release = '' } = run.result;
    const record = await readFile(
      join(await project.store(), 'prestage-sample-single/releases', release, 'release.json'),
      'utf8',
    );
    expect(JSON.parse(record)).toMatchObject({ release });
    const again = succeeded(await project.aws('deploy --yes --json'));
    expect(again.result).toMatchObject({ phase1: 'ready', phase2: 'unchanged' });
    expect(types(again)).not.toContain('machine.launched');
  });

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
    // Put right, it goes on.
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

  test('with a database: they get its address, and it stays when the hosts go', async () => {
    const project = await cloud.project('data', (config) => {
      config.database = { engine: 'postgres', version: '16' };
      config.environments = {
        data: { target: 'aws', region: cloud.region.name, nat: 'none' },
      };
      config.services = { jump: { role: 'jump', boot: 'hosts/jump.py' } };
    });
    await project.write(
      'hosts/jump.py',
      `#!/bin/sh
echo database at "\${PRESTAGE_DATABASE_URL%%:*}, \${PRESTAGE_DATABASE_URL##*\\?}, \${PRESTAGE_DATABASE_JDBC_URL##*&}"
echo authorities: $(su -s /bin/sh nobody -c "grep -c BEGIN '$PGSSLROOTCERT'")
`,
      0o755,
    );
    await project.save();
    succeeded(await project.aws('deploy --yes --json'));
    const { stdout } = succeeded(await project.aws('logs jump-0'));
    const file = '/var/lib/prestage/database-ca.pem';
    expect(stdout).toContain(`database at postgres, sslmode=verify-full, sslrootcert=${file}`);
    // Its three authorities, which every user may read.
    expect(stdout).toContain('authorities: 3');
    const status = succeeded(await project.aws('status --json'));
    expect(status.result).toMatchObject({ database: { engine: 'postgres' } });
    succeeded(await project.aws('destroy --yes'));
    expect(await hosts(project)).toEqual([]);
    expect(succeeded(await project.aws('status --json')).result).toMatchObject({
      database: { engine: 'postgres' },
      hosts: [],
    });
    succeeded(await project.aws('deploy --yes --json'));
    succeeded(await project.aws('destroy --yes --purge'));
  });

  test('of a first deployment that fails: what it made goes, and the next one begins anew', async () => {
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

  test('are where their files are verified and pruned, by a worker', async () => {
    const project = await cloud.project('care');
    const { release: first = '' } = succeeded(await project.aws('deploy --yes --prepare-files-only --json')).result;
    await project.archive('extras', { 'data/other.txt': 'other\n' });
    const { release: second = '' } = succeeded(await project.aws('deploy --yes --json')).result;
    const verified = succeeded(await project.aws('verify --deep --json'));
    expect(verified.result).toMatchObject({ differences: [] });
    const pruned = succeeded(await project.aws('prune --keep 1 --yes --json'));
    // Both say what their worker does, and a prune that has nothing to remove starts none.
    for (const { events } of [verified, pruned]) expect(events.map(({ type }) => type)).toContain('machine.launched');
    const nothing = succeeded(await project.aws('prune --keep 1 --yes --json'));
    expect(nothing.events).toEqual([]);
    const left = succeeded(await project.aws('status --json')).result as unknown as { releases: string[] };
    expect(left.releases).toEqual([second]);
    expect(left.releases).not.toContain(first);
    expect(await project.workers()).toEqual([]);
  });
});
