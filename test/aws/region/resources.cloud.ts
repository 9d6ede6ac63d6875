import { isDeepStrictEqual } from 'node:util';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../requirements.js';
import { until } from '../../until.js';
import { type Region, startRegion } from '../region.js';

const ref = (Ref: string) => ({ Ref });
const att = (name: string, attribute: string) => ({ 'Fn::GetAtt': [name, attribute] });
const trust = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

function subnet(zone: number) {
  return {
    Type: 'AWS::EC2::Subnet',
    Properties: {
      VpcId: ref('Vpc'),
      CidrBlock: `10.20.${zone}.0/24`,
      AvailabilityZone: { 'Fn::Select': [zone, { 'Fn::GetAZs': ref('AWS::Region') }] },
    },
  };
}

function machineRole(...actions: string[]) {
  const Statement = [{ Effect: 'Allow', Action: actions, Resource: att('Files', 'Arn') }];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: trust,
      Policies: [{ PolicyName: 'files', PolicyDocument: { Version: '2012-10-17', Statement } }],
    },
  };
}

const storage = {
  Vpc: {
    Type: 'AWS::EC2::VPC',
    Properties: {
      CidrBlock: '10.20.0.0/16',
      EnableDnsSupport: true,
      EnableDnsHostnames: true,
      Tags: [{ Key: 'a', Value: 'b' }],
    },
  },
  SubnetA: subnet(0),
  SubnetB: subnet(1),
  Routes: { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: ref('Vpc') } },
  Routed: {
    Type: 'AWS::EC2::SubnetRouteTableAssociation',
    Properties: { RouteTableId: ref('Routes'), SubnetId: ref('SubnetA') },
  },
  S3: {
    Type: 'AWS::EC2::VPCEndpoint',
    Properties: {
      VpcId: ref('Vpc'),
      ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', ref('AWS::Region'), '.s3']] },
      VpcEndpointType: 'Gateway',
      RouteTableIds: [ref('Routes')],
    },
  },
  Clients: {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: {
      GroupDescription: 'clients',
      VpcId: ref('Vpc'),
      SecurityGroupEgress: [{ IpProtocol: '-1', CidrIp: '0.0.0.0/0' }],
    },
  },
  Strangers: { Type: 'AWS::EC2::SecurityGroup', Properties: { GroupDescription: 'strangers', VpcId: ref('Vpc') } },
  Mounts: { Type: 'AWS::EC2::SecurityGroup', Properties: { GroupDescription: 'mounts', VpcId: ref('Vpc') } },
  FromClients: {
    Type: 'AWS::EC2::SecurityGroupIngress',
    Properties: {
      GroupId: ref('Mounts'),
      IpProtocol: 'tcp',
      FromPort: 2049,
      ToPort: 2049,
      SourceSecurityGroupId: ref('Clients'),
    },
  },
  Files: {
    Type: 'AWS::EFS::FileSystem',
    Properties: {
      Encrypted: true,
      FileSystemPolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: '*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
          {
            Effect: 'Allow',
            Principal: { AWS: att('Writer', 'Arn') },
            Action: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
            Condition: {
              StringEquals: {
                'elasticfilesystem:AccessPointArn': {
                  'Fn::Sub': 'arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/x',
                },
              },
            },
          },
        ],
      },
    },
  },
  Target: {
    Type: 'AWS::EFS::MountTarget',
    Properties: { FileSystemId: ref('Files'), SubnetId: ref('SubnetA'), SecurityGroups: [ref('Mounts')] },
  },
  Point: {
    Type: 'AWS::EFS::AccessPoint',
    Properties: { FileSystemId: ref('Files'), RootDirectory: { Path: '/prestage' }, PosixUser: { Uid: '0', Gid: '0' } },
  },
  Writer: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: trust } },
  WriterProfile: { Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [ref('Writer')] } },
  Reader: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: trust } },
  ReaderProfile: { Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [ref('Reader')] } },
  ReaderPolicy: {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: 'read',
      Roles: [ref('Reader')],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'elasticfilesystem:ClientMount', Resource: att('Files', 'Arn') }],
      },
    },
  },
  Preparer: machineRole('elasticfilesystem:Client*'),
  PreparerProfile: { Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [ref('Preparer')] } },
  Nobody: machineRole('elasticfilesystem:DescribeFileSystems'),
  NobodyProfile: { Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [ref('Nobody')] } },
  Logs: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 30 } },
};

const rest = {
  Gateway: { Type: 'AWS::EC2::InternetGateway', Properties: {} },
  Attached: {
    Type: 'AWS::EC2::VPCGatewayAttachment',
    Properties: { VpcId: ref('Vpc'), InternetGatewayId: ref('Gateway') },
  },
  Address: { Type: 'AWS::EC2::EIP', Properties: { Domain: 'vpc' }, DependsOn: 'Attached' },
  Nat: {
    Type: 'AWS::EC2::NatGateway',
    Properties: { SubnetId: ref('SubnetB'), AllocationId: att('Address', 'AllocationId') },
  },
  Out: {
    Type: 'AWS::EC2::Route',
    Properties: { RouteTableId: ref('Routes'), DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: ref('Nat') },
  },
  Host: {
    Type: 'AWS::EC2::Instance',
    Properties: {
      ImageId: 'ami-12345678',
      InstanceType: 't3.medium',
      SubnetId: ref('SubnetA'),
      SecurityGroupIds: [ref('Clients')],
      IamInstanceProfile: ref('ReaderProfile'),
      UserData: { 'Fn::Base64': '#!/bin/sh' },
      Tags: [{ Key: 'prestage:host', Value: 'api' }],
    },
  },
  Zone: {
    Type: 'AWS::Route53::HostedZone',
    Properties: { Name: 'portal.internal.', VPCs: [{ VPCId: ref('Vpc'), VPCRegion: ref('AWS::Region') }] },
  },
  Name: {
    Type: 'AWS::Route53::RecordSet',
    Properties: {
      HostedZoneId: ref('Zone'),
      Name: 'api.portal.internal.',
      Type: 'A',
      TTL: '30',
      ResourceRecords: [att('Host', 'PrivateIp')],
    },
  },
  Balancer: {
    Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
    Properties: { Type: 'network', Scheme: 'internal', Subnets: [ref('SubnetA'), ref('SubnetB')] },
  },
  Targets: {
    Type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
    Properties: {
      Port: 8080,
      Protocol: 'TCP',
      TargetType: 'instance',
      VpcId: ref('Vpc'),
      Targets: [{ Id: ref('Host'), Port: 8080 }],
    },
  },
  Listener: {
    Type: 'AWS::ElasticLoadBalancingV2::Listener',
    Properties: {
      LoadBalancerArn: ref('Balancer'),
      Port: 80,
      Protocol: 'TCP',
      DefaultActions: [{ Type: 'forward', TargetGroupArn: ref('Targets') }],
    },
  },
  Alias: {
    Type: 'AWS::Route53::RecordSet',
    Properties: {
      HostedZoneId: ref('Zone'),
      Name: 'web.portal.internal.',
      Type: 'A',
      AliasTarget: { DNSName: att('Balancer', 'DNSName'), HostedZoneId: att('Balancer', 'CanonicalHostedZoneID') },
    },
  },
  Secret: {
    Type: 'AWS::SecretsManager::Secret',
    Properties: {
      GenerateSecretString: {
        SecretStringTemplate: '{"username":"portal"}',
        GenerateStringKey: 'password',
        PasswordLength: 30,
        ExcludeCharacters: '"@/',
      },
    },
  },
  Subnets: {
    Type: 'AWS::RDS::DBSubnetGroup',
    Properties: { DBSubnetGroupDescription: 'database', SubnetIds: [ref('SubnetA'), ref('SubnetB')] },
  },
  Database: {
    Type: 'AWS::RDS::DBInstance',
    Properties: {
      Engine: 'postgres',
      EngineVersion: '16',
      DBInstanceClass: 'db.t4g.medium',
      AllocatedStorage: '20',
      DBName: 'portal',
      DBSubnetGroupName: ref('Subnets'),
      VPCSecurityGroups: [ref('Clients')],
      MasterUsername: { 'Fn::Join': ['', ['{{resolve:secretsmanager:', ref('Secret'), ':SecretString:username::}}']] },
      MasterUserPassword: {
        'Fn::Join': ['', ['{{resolve:secretsmanager:', ref('Secret'), ':SecretString:password::}}']],
      },
    },
    DeletionPolicy: 'Snapshot',
  },
  Attachment: {
    Type: 'AWS::SecretsManager::SecretTargetAttachment',
    Properties: { SecretId: ref('Secret'), TargetId: ref('Database'), TargetType: 'AWS::RDS::DBInstance' },
  },
};

const outputs = {
  ...Object.fromEntries(
    [
      'Files',
      'Point',
      'SubnetA',
      'SubnetB',
      'Clients',
      'Strangers',
      'WriterProfile',
      'ReaderProfile',
      'NobodyProfile',
      'PreparerProfile',
      'Vpc',
    ].map((name) => [name, { Value: ref(name) }]),
  ),
};

describe.skipIf(lacks('moto'))('the resources of the emulated region', () => {
  let region: Region;
  let cloudFormation: CloudFormationClient;
  let ec2: EC2Client;
  let settings: { region: string; endpoint: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  let out: Record<string, string>;

  beforeAll(async () => {
    region = await startRegion();
    const credentials = { accessKeyId: 'AKIATESTKEY', secretAccessKey: 'x' };
    settings = { region: region.name, endpoint: region.endpoint, credentials };
    cloudFormation = new CloudFormationClient(settings);
    ec2 = new EC2Client(settings);
    await cloudFormation.send(new CreateStackCommand(stack({ ...storage })));
    out = await settled('CREATE_COMPLETE');
  });
  afterAll(() => region.stop());

  function stack(Resources: object, release = 'r1') {
    const TemplateBody = JSON.stringify({ Resources, Outputs: outputs });
    return {
      StackName: 'all',
      TemplateBody,
      Capabilities: ['CAPABILITY_IAM' as const],
      Tags: [{ Key: 'prestage:release', Value: release }],
    };
  }

  async function settled(wanted: string): Promise<Record<string, string>> {
    for (;;) {
      const { Stacks: [found] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: id ?? 'all' }));
      id = found?.StackId;
      if (found?.StackStatus?.endsWith('_IN_PROGRESS')) continue;
      const { StackEvents = [] } = await cloudFormation.send(
        new DescribeStackEventsCommand({ StackName: id ?? 'all' }),
      );
      const failed = StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('FAILED'));
      expect(failed.map((it) => `${it.LogicalResourceId}: ${it.ResourceStatusReason}`)).toEqual([]);
      expect(found?.StackStatus).toBe(wanted);
      return Object.fromEntries(
        (found?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
      );
    }
  }
  let id: string | undefined;

  async function launch(profile: string | undefined, subnetName = 'SubnetA', group = 'Clients'): Promise<string> {
    const { Instances } = await ec2.send(
      new RunInstancesCommand({
        ...{
          MinCount: 1,
          MaxCount: 1,
          ImageId: 'ami-1',
          SubnetId: out[subnetName],
          SecurityGroupIds: [out[group] ?? ''],
        },
        ...(profile === undefined ? {} : { IamInstanceProfile: { Name: out[profile] } }),
      }),
    );
    return Instances?.[0]?.InstanceId ?? '';
  }

  const denied = { refused: "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'" };

  test.each([
    [
      'a role that may mount',
      'ReaderProfile',
      { tls: '', iam: '' },
      { folder: '/prestage', write: false, creates: false },
    ],
    [
      'a role that may write',
      'PreparerProfile',
      { tls: '', iam: '' },
      { folder: '/prestage', write: true, creates: false },
    ],
    [
      'a mount that is read-only',
      'PreparerProfile',
      { tls: '', iam: '', ro: '' },
      { folder: '/prestage', write: false, creates: false },
    ],
    ['a role that may not', 'NobodyProfile', { tls: '', iam: '' }, denied],
    ['a role whose permission is for another access point', 'WriterProfile', { tls: '', iam: '' }, denied],
    ['somebody who does not say who it is', 'ReaderProfile', { tls: '' }, denied],
  ])("%s: what the file system's policy says", async (_, profile, options, expected) => {
    const asked = { fileSystem: out.Files ?? '', path: '/', options: { ...options, accesspoint: out.Point ?? '' } };
    expect(await region.mount(await launch(profile), asked)).toEqual(expected);
  });

  test('a mount needs a mount target in the zone, security groups that let it through, and options that go together', async () => {
    const asked = {
      fileSystem: out.Files ?? '',
      path: '/',
      options: { tls: '', iam: '', accesspoint: out.Point ?? '' },
    };
    expect(await region.mount(await launch('ReaderProfile', 'SubnetB'), asked)).toEqual({
      refused: expect.stringContaining(`Failed to resolve "${out.Files}.efs.eu-central-1.amazonaws.com"`),
    });
    const stranger = await launch('ReaderProfile', 'SubnetA', 'Strangers');
    expect(await region.mount(stranger, asked)).toEqual({ refused: "b'mount.nfs4: Connection timed out'" });
    const reader = await launch('ReaderProfile');
    expect(await region.mount(reader, { ...asked, options: { iam: '' } })).toEqual({
      refused: 'The "tls" option is required when mounting via "iam"',
    });
    expect(await region.mount(reader, { ...asked, options: { ...asked.options, accesspoint: 'fsap-0' } })).toEqual(
      denied,
    );
    expect(await region.mount(reader, { ...asked, fileSystem: 'fs-0' })).toEqual({
      refused: expect.stringContaining('Failed to resolve "fs-0'),
    });
    expect(await region.mount(await launch(undefined), asked)).toEqual({
      refused: expect.stringContaining('not found in AWS credentials'),
    });
  });

  test('hosts, names, load balancers and a database are made, told of, and removed in an order that works', async () => {
    await cloudFormation.send(new UpdateStackCommand(stack({ ...storage, ...rest })));
    await settled('UPDATE_COMPLETE');
    const { names, balancers, instances } = await region.machines();
    const host = instances.find(({ tags }) => tags?.['prestage:host'] === 'api');
    expect(host?.tags).toMatchObject({ 'prestage:release': 'r1', 'aws:cloudformation:logical-id': 'Host' });
    const of = names[out.Vpc ?? ''] ?? {};
    expect(of['api.portal.internal']).toEqual([host?.address]);
    expect(of['web.portal.internal']).toEqual([balancers[0]?.address]);
    // A target is no target yet for some seconds after its registration.
    const targets = [{ address: host?.address, port: 8080 }];
    await until('the balancer to have its target', async () => {
      const [balancer] = (await region.machines()).balancers;
      return isDeepStrictEqual(balancer?.listeners, [{ port: 80, targets }]);
    });
    // Tags of the stack are given to what it has, in place.
    await cloudFormation.send(new UpdateStackCommand(stack({ ...storage, ...rest }, 'r2')));
    await settled('UPDATE_COMPLETE');
    const later = (await region.machines()).instances.find(({ tags }) => tags?.['prestage:host'] === 'api');
    expect(later).toMatchObject({ id: host?.id, tags: { 'prestage:release': 'r2' } });
    await cloudFormation.send(new UpdateStackCommand(stack(storage)));
    await settled('UPDATE_COMPLETE');
    expect((await region.machines()).balancers).toEqual([]);
    const { DBSnapshots } = await new RDSClient(settings).send(new DescribeDBSnapshotsCommand({}));
    expect(DBSnapshots).toHaveLength(1);
    for (const { id: instance, state } of (await region.machines()).instances)
      if (state === 'running') await region.shutDown(instance);
    for (const { id: instance, state } of (await region.machines()).instances)
      if (state === 'stopped') await end(instance);
    await cloudFormation.send(new DeleteStackCommand({ StackName: 'all' }));
    await settled('DELETE_COMPLETE');
  });

  async function end(instance: string): Promise<void> {
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance] }));
  }
});
