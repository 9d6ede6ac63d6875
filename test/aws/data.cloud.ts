import {
  CloudFormationClient,
  DeleteStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  DescribeDBSubnetGroupsCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { describe, expect, test } from 'vitest';
import { type CloudProject, succeeded, useCloud, withoutCloud } from './cloud.js';

const WELL = '#!/bin/sh\necho well\n';
const FAILS = '#!/bin/sh\nexit 1\n';

describe.skipIf(withoutCloud)('a database on AWS', () => {
  const cloud = useCloud();
  const settings = () => ({
    region: cloud.region.name,
    endpoint: cloud.region.endpoint,
    credentials: { accessKeyId: 'it', secretAccessKey: 'it' },
  });

  const withJump = (name: string, database?: { engine: string; version: string }) =>
    cloud.project(name, (config) => {
      if (database !== undefined) config.database = database;
      config.environments = { [name]: { target: 'aws', region: cloud.region.name } };
      config.services = { jump: { role: 'jump', boot: 'hosts/jump.py' } };
    });
  const boots = async (project: CloudProject, script: string) => {
    await project.write('hosts/jump.py', script, 0o755);
    await project.save();
  };
  const databases = async ({ name }: CloudProject) => {
    const { DBInstances = [] } = await new RDSClient(settings()).send(new DescribeDBInstancesCommand({}));
    return DBInstances.filter(({ TagList = [] }) =>
      TagList.some(({ Key, Value }) => Key === 'prestage:environment' && Value === name),
    );
  };
  const ids = async (project: CloudProject) =>
    (await databases(project)).map(({ DBInstanceIdentifier }) => DBInstanceIdentifier);
  const subnetGroups = async ({ name }: CloudProject) => {
    const { DBSubnetGroups = [] } = await new RDSClient(settings()).send(new DescribeDBSubnetGroupsCommand({}));
    return DBSubnetGroups.filter(({ DBSubnetGroupName = '' }) => DBSubnetGroupName.includes(`-${name}-`));
  };

  test('beside a host that fails: it is made once, status knows it, and it goes with a purge', async () => {
    const project = await withJump('beside');
    await boots(project, WELL);
    succeeded(await project.aws('deploy --yes --json'));
    project.config.database = { engine: 'postgres', version: '16' };
    await boots(project, FAILS);
    for (const attempt of [1, 2]) {
      const { error } = (await project.aws('deploy --yes --json')).result;
      expect(error, `attempt ${attempt}`).toMatchObject({ code: 'HOST_FAILED' });
    }
    const made = await ids(project);
    expect(made).toHaveLength(1);
    expect(succeeded(await project.aws('status --json')).result).toMatchObject({
      database: { engine: 'postgres', version: '16', state: 'available' },
    });
    await boots(project, WELL);
    succeeded(await project.aws('deploy --yes --json'));
    expect(await ids(project)).toEqual(made);
    succeeded(await project.aws('destroy --yes --purge'));
    expect(await ids(project)).toEqual([]);
  });

  test('that a first deployment made whose host failed is there for the next one', async () => {
    const project = await withJump('once', { engine: 'mysql', version: '8.4' });
    await boots(project, FAILS);
    expect((await project.aws('deploy --yes --json')).result.error).toMatchObject({ code: 'HOST_FAILED' });
    const made = await ids(project);
    expect(made).toHaveLength(1);
    await boots(project, WELL);
    succeeded(await project.aws('deploy --yes --json'));
    expect(await ids(project)).toEqual(made);
    // It stays when no service has it any more, with all that it is reached by, until it is purged.
    delete project.config.database;
    await project.save();
    const plan = succeeded(await project.aws('plan --json')).result;
    expect(plan.phase2).toMatchObject({
      database: 'retain',
      databaseDetail: expect.stringContaining('stays in RDS with its data'),
    });
    succeeded(await project.aws('deploy --yes --json'));
    expect(await ids(project)).toEqual(made);
    expect(await subnetGroups(project)).toHaveLength(1);
    expect(succeeded(await project.aws('status --json')).result).toMatchObject({ database: { engine: 'mysql' } });
    succeeded(await project.aws('destroy --yes --purge'));
    expect(await ids(project)).toEqual([]);
    expect(await subnetGroups(project)).toEqual([]);
  });

  test('of another version is upgraded after a snapshot, and never becomes another one', async () => {
    const project = await withJump('upgraded', { engine: 'postgres', version: '16' });
    await boots(project, WELL);
    const { release: first } = succeeded(await project.aws('deploy --yes --json')).result;
    const made = await ids(project);
    project.config.database = { engine: 'mysql', version: '8.4' };
    await project.save();
    for (const command of ['plan', 'deploy --yes'])
      expect((await project.aws(`${command} --json`)).result.error).toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('The database is postgres 16, and cannot become mysql 8.4'),
      });
    project.config.database = { engine: 'postgres', version: '17' };
    await project.save();
    expect(succeeded(await project.aws('plan --json')).result.phase2).toMatchObject({
      action: 'apply',
      database: 'upgrade',
      databaseDetail: expect.stringContaining('from postgres 16 to 17, after a snapshot'),
      resources: expect.arrayContaining([expect.objectContaining({ resource: 'Database', action: 'modify' })]),
    });
    succeeded(await project.aws('deploy --yes --json'));
    expect(await databases(project)).toMatchObject([{ DBInstanceIdentifier: made[0], EngineVersion: '17' }]);
    const snapshots = async () =>
      (await new RDSClient(settings()).send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }))).DBSnapshots;
    expect(await snapshots()).toMatchObject([{ DBInstanceIdentifier: made[0], EngineVersion: '16' }]);
    expect(succeeded(await project.aws('deploy --yes --json')).result).toMatchObject({ phase2: 'unchanged' });
    // Hosts go back to the release before, and the database to nothing.
    await boots(project, '#!/bin/sh\necho later\n');
    succeeded(await project.aws('deploy --yes --json'));
    succeeded(await project.aws(`rollback ${first} --yes --json`));
    expect(await databases(project)).toMatchObject([{ DBInstanceIdentifier: made[0], EngineVersion: '17' }]);
    // Somebody took the protection away and deleted the stack: no second database is made beside the one that is left.
    succeeded(await project.aws('destroy --yes'));
    const client = new CloudFormationClient(settings());
    const StackName = 'prestage-sample-upgraded-data';
    const deletion = new DeleteStackCommand({ StackName });
    await expect(client.send(deletion)).rejects.toThrow('TerminationProtection is enabled');
    const lift = new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: false });
    await client.send(lift);
    await cloud.region.putStack(StackName, 'DELETE_COMPLETE');
    expect((await project.aws('deploy --yes --json')).result.error).toMatchObject({ code: 'STACK_STUCK' });
    expect(succeeded(await project.aws('status --json')).result).toMatchObject({
      temporary: [{ kind: 'database', id: made[0], detail: expect.stringContaining('in no stack') }],
    });
    expect(await ids(project)).toEqual(made);
  });
});
