import { describe, expect, test } from 'vitest';
import { clientActions } from '../../../../test/aws/client-actions.js';
import {
  asText,
  type Exception,
  findingsOf,
  lintOf,
  propertiesOf,
  statementsOf,
} from '../../../../test/aws/template-checks.js';
import {
  EXISTING_NETWORK,
  ONE_ZONE,
  someFoundation,
  someInfrastructure,
} from '../../../../test/aws/template-inputs.js';
import { lacks } from '../../../../test/requirements.js';
import type { Statement } from '../cdk/role-policies.js';
import { synthesizeInfrastructure } from '../infrastructure/stack.js';
import { buildFoundation, synthesizeFoundation } from './stack.js';

const VARIANTS = {
  'a network and a file system of its own': someFoundation(),
  'sources in buckets of other people': someFoundation({ sourceBuckets: ['releases-of-vendor', 'team-files'] }),
  'a network that is there': someFoundation({ network: EXISTING_NETWORK }),
  'a network in one zone': someFoundation({ network: ONE_ZONE }),
  'a network and a file system that are there': someFoundation({
    network: EXISTING_NETWORK,
    existingFileSystem: {
      id: 'fs-0a1b2c3d4e5f60718',
      securityGroupIds: ['sg-0a1b2c3d4e5f60711', 'sg-0a1b2c3d4e5f60712'],
    },
  }),
};

const EXCEPTIONS: Exception[] = [
  {
    id: 'AwsSolutions-S1',
    reason:
      'Who writes to the bucket are our own machines and commands; a log of accesses would need another bucket, for ever',
  },
  {
    id: 'AwsSolutions-IAM5',
    reason: 'Objects lie under digests and runs, whose names are not known before',
    appliesTo: [{ regex: '/^Resource::arn:<AWS::Partition>:s3:::.*\\*$/g' }],
  },
];

describe.each(Object.entries(VARIANTS))('the foundation with %s', (_, inputs) => {
  test('is this template, always', () => {
    const { template } = synthesizeFoundation(inputs);
    expect(template).toMatchSnapshot();
    expect(JSON.stringify(synthesizeFoundation(inputs).template)).toBe(JSON.stringify(template));
    expect(JSON.stringify(template).length).toBeLessThan(51_200); // what CloudFormation takes inline
  });

  test('follows the AWS Solutions rules', () => {
    expect(findingsOf((stack) => buildFoundation(stack, inputs), EXCEPTIONS)).toEqual([]);
  });

  test.skipIf(lacks('cfnLint'))('passes cfn-lint', async () => {
    expect(await lintOf(synthesizeFoundation(inputs).template)).toBe('');
  });
});

const template = (change = {}) => synthesizeFoundation(someFoundation(change)).template;

test('the worker may read what it is told to, write what it says, and mount the store by one access point', () => {
  expect(asText(statementsOf(template({ sourceBuckets: ['team-files'] }), 'WorkerRole'))).toEqual([
    {
      Sid: 'ReadFiles',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: [
        'arn:<AWS::Partition>:s3:::<Bucket>/sources/*',
        'arn:<AWS::Partition>:s3:::<Bucket>/agent/*',
        'arn:<AWS::Partition>:s3:::<Bucket>/jobs/*',
        'arn:<AWS::Partition>:s3:::team-files/*',
      ],
    },
    {
      Sid: 'TellOfTheRun',
      Effect: 'Allow',
      Action: ['s3:PutObject'],
      Resource: ['arn:<AWS::Partition>:s3:::<Bucket>/runs/*'],
    },
    {
      Sid: 'TellOfTheStore',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      Resource: ['arn:<AWS::Partition>:s3:::<Bucket>/store/<FileSystem>/*'],
    },
    {
      Sid: 'ListTheStore',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: ['arn:<AWS::Partition>:s3:::<Bucket>'],
      Condition: { StringLike: { 's3:prefix': 'store/<FileSystem>/*' } },
    },
    {
      Sid: 'Mount',
      Effect: 'Allow',
      Action: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
      Resource: ['arn:<AWS::Partition>:elasticfilesystem:eu-central-1:123456789012:file-system/<FileSystem>'],
      Condition: {
        StringEquals: {
          'elasticfilesystem:AccessPointArn':
            'arn:<AWS::Partition>:elasticfilesystem:eu-central-1:123456789012:access-point/<WriterAccessPoint>',
        },
        Bool: { 'aws:SecureTransport': 'true' },
      },
    },
  ]);
});

test.skipIf(lacks('python3'))('a role mounts the store with TLS by its own access point, and nobody else does', () => {
  const [writer, reader] = [point('11'), point('12')];
  const store = template();
  const hosts = synthesizeInfrastructure(someInfrastructure()).template;
  const actions = (role: string, statements: Statement[], facts: object) =>
    clientActions(store, `arn:<AWS::Partition>:iam::123456789012:role/${role}`, statements, facts);
  const worker = statementsOf(store, 'WorkerRole');
  const jump = statementsOf(hosts, 'RoleJump');
  const [web = ''] = Object.keys(hosts.Resources).filter((id) => /^RoleWeb/.test(id));
  const host = statementsOf(hosts, web);
  const ours = `prestage-portal-dev-${DIGEST}`;
  expect(actions(`${ours}-worker`, worker, { accessPoint: writer })).toEqual(['ClientMount', 'ClientWrite']);
  expect(actions(`${ours}-jump`, jump, { accessPoint: writer })).toEqual(['ClientMount', 'ClientWrite']);
  expect(actions(`${ours}-host-web`, host, { accessPoint: reader })).toEqual(['ClientMount']);
  for (const [role, statements, facts] of [
    [`${ours}-worker`, worker, {}],
    [`${ours}-jump`, jump, { accessPoint: reader }],
    [`${ours}-host-web`, host, {}],
    [`${ours}-host-web`, host, { accessPoint: writer }],
    [`${ours}-host-web`, host, { accessPoint: reader, tls: false }],
    ['somebody-with-all-rights', [{ Effect: 'Allow', Action: ['*'], Resource: ['*'] }], { accessPoint: writer }],
  ] as [string, Statement[], object][])
    expect(actions(role, statements, facts), `${role} ${JSON.stringify(facts)}`).toEqual([]);
});

const point = (last: string) =>
  `arn:<AWS::Partition>:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0a1b2c3d4e5f607${last}`;

test('the store has no backups: they cost, and would outlive it', () => {
  expect(propertiesOf(template(), 'FileSystem')).toMatchObject({ BackupPolicy: { Status: 'DISABLED' } });
});

const DIGEST = /role\/prestage-portal-dev-([0-9a-f]{8})-worker/.exec(JSON.stringify(template()))?.[1] ?? '';

test('what holds data outlives the stack, but not a creation that failed', () => {
  for (const kept of ['Bucket', 'FileSystem'])
    expect(template().Resources[kept]).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
});

test('a machine of the launch template ends for good, asks its metadata with a token, and has an encrypted disk', () => {
  const { LaunchTemplateData } = propertiesOf<{ LaunchTemplateData: object }>(template(), 'WorkerTemplate');
  expect(LaunchTemplateData).toMatchObject({
    InstanceInitiatedShutdownBehavior: 'terminate',
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
    BlockDeviceMappings: [{ Ebs: { Encrypted: true } }],
  });
  expect(LaunchTemplateData).not.toHaveProperty('KeyName');
});

test('the endpoint of S3 leads to our bucket, to sources of others, and to the packages of Amazon Linux', () => {
  const { PolicyDocument } = propertiesOf<{ PolicyDocument: { Statement: { Resource: unknown }[] } }>(
    template({ sourceBuckets: ['team-files'] }),
    'IsolatedS3',
  );
  const name = `prestage-portal-dev-${DIGEST}`;
  expect(asText(PolicyDocument.Statement.flatMap(({ Resource }) => Resource))).toEqual([
    `arn:<AWS::Partition>:s3:::${name}`,
    `arn:<AWS::Partition>:s3:::${name}/*`,
    'arn:<AWS::Partition>:s3:::al2023-repos-eu-central-1-de612dc2/*',
    'arn:<AWS::Partition>:s3:::team-files/*',
  ]);
});
