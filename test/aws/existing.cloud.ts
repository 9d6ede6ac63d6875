import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Cloud, useCloud, withoutCloud } from './cloud.js';
import { ACCESS_KEY } from './region.js';

/** What somebody has made by other means: a network of three zones, and a file system with a mount target in two of them. */
const NETWORK = {
  Resources: {
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.50.0.0/16', EnableDnsHostnames: true } },
    ...Object.fromEntries(
      [0, 1, 2].map((zone) => [
        `Subnet${zone}`,
        {
          Type: 'AWS::EC2::Subnet',
          Properties: {
            VpcId: { Ref: 'Vpc' },
            CidrBlock: `10.50.${zone}.0/24`,
            AvailabilityZone: { 'Fn::Select': [zone, { 'Fn::GetAZs': '' }] },
          },
        },
      ]),
    ),
    ...Object.fromEntries(
      [0, 1].map((zone) => [
        `Target${zone}`,
        {
          Type: 'AWS::EFS::MountTarget',
          Properties: {
            FileSystemId: { Ref: 'Files' },
            SubnetId: { Ref: `Subnet${zone}` },
            SecurityGroups: [{ Ref: 'Group' }],
          },
        },
      ]),
    ),
    Group: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: { VpcId: { Ref: 'Vpc' }, GroupDescription: 'mount targets of others' },
    },
    Files: { Type: 'AWS::EFS::FileSystem', Properties: { Encrypted: true } },
  },
  Outputs: Object.fromEntries(
    ['Vpc', 'Subnet0', 'Subnet1', 'Subnet2', 'Files'].map((name) => [name, { Value: { Ref: name } }]),
  ),
};

async function makeNetwork({ region }: Cloud, StackName: string): Promise<Record<string, string>> {
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: 'secret' };
  const client = new CloudFormationClient({ region: region.name, endpoint: region.endpoint, credentials });
  onTestFinished(() => client.destroy());
  await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(NETWORK) }));
  return vi.waitFor(
    async () => {
      const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
      expect(Stacks?.[0]?.StackStatus).toBe('CREATE_COMPLETE');
      return Object.fromEntries(
        (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
      );
    },
    { timeout: 30_000, interval: 250 },
  );
}

describe.skipIf(withoutCloud)('in a network and on a file system that are there', () => {
  const cloud = useCloud();

  test('files are prepared beside what is there, hosts run, and neither goes with them', async () => {
    const made = await makeNetwork(cloud, 'network-of-others');
    const subnets = [made.Subnet0, made.Subnet1];
    const project = await cloud.project('existing', (config) => {
      config.environments = {
        existing: {
          target: 'aws',
          region: cloud.region.name,
          vpc: { id: made.Vpc, workerSubnets: subnets },
          storage: { fileSystemId: made.Files },
        },
      };
    });
    const files = cloud.guests.fileSystem(made.Files ?? '');
    const run = await project.aws('deploy --yes --json');
    expect(run.result, run.stdout + run.stderr).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });
    expect(await readdir(join(files, 'prestage-sample-existing/releases'))).toEqual([run.result.release]);
    expect((await project.aws('deploy --yes --json')).result).toMatchObject({ phase1: 'ready', phase2: 'unchanged' });
    const gone = await project.aws('destroy --purge --yes --json');
    expect(gone.result, gone.stdout).toMatchObject({ ok: true });
    expect(await project.instances()).toEqual([]);
    // Theirs, with what was prepared on it.
    expect(await readdir(join(files, 'prestage-sample-existing/releases'))).toEqual([run.result.release]);
    const { networks, mountTargets } = await cloud.region.machines();
    expect(Object.keys(networks)).toContain(made.Vpc);
    expect(mountTargets.filter(({ vpc }) => vpc === made.Vpc)).toHaveLength(2);
  });

  test('hosts in a zone that the worker is not in mount the store that Prestage makes', async () => {
    const made = await makeNetwork(cloud, 'network-of-three-zones');
    const project = await cloud.project('zones', (config) => {
      const vpc = { id: made.Vpc, workerSubnets: [made.Subnet0, made.Subnet1], hostSubnets: [made.Subnet2] };
      config.environments = { zones: { target: 'aws', region: cloud.region.name, vpc } };
    });
    const run = await project.aws('deploy --yes --json');
    expect(run.result, run.stdout + run.stderr).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });
    const { mountTargets, instances } = await cloud.region.machines();
    const zones = new Set(mountTargets.filter(({ vpc }) => vpc === made.Vpc).map(({ zone }) => zone));
    expect(zones.size).toBe(3);
    const hosts = instances.filter(({ vpc, state }) => vpc === made.Vpc && state === 'running');
    expect(new Set(hosts.map(({ zone }) => zone)).size).toBe(1);
    const gone = await project.aws('destroy --purge --yes --json');
    expect(gone.result, gone.stdout).toMatchObject({ ok: true });
  });
});
