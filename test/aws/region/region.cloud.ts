import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  ContinueUpdateRollbackCommand,
  CreateChangeSetCommand,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  GetTemplateCommand,
  type Stack,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CreateLaunchTemplateCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { IStackSynthesizer } from 'aws-cdk-lib';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { lacks } from '../../requirements.js';
import { until } from '../../until.js';
import { type Region, startRegion } from '../region.js';

const NETWORK = {
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.20.0.0/16', EnableDnsHostnames: true } },
  Subnet: {
    Type: 'AWS::EC2::Subnet',
    Properties: {
      VpcId: { Ref: 'Vpc' },
      CidrBlock: '10.20.1.0/24',
      AvailabilityZone: { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
    },
  },
  Group: {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: {
      GroupDescription: 'machines',
      VpcId: { Ref: 'Vpc' },
      SecurityGroupEgress: [{ IpProtocol: '-1', CidrIp: '0.0.0.0/0' }],
    },
  },
};
const BUCKET = { Type: 'AWS::S3::Bucket', Properties: {} };
const HANDLE = { Type: 'AWS::CloudFormation::WaitConditionHandle' };

function waiting(timeout: number, handle = 'Handle') {
  return {
    Type: 'AWS::CloudFormation::WaitCondition',
    Properties: { Handle: { Ref: handle }, Timeout: String(timeout), Count: 1 },
  };
}

describe.skipIf(lacks('moto'))('the emulated region', () => {
  let region: Region;
  let cloudFormation: CloudFormationClient;
  let ec2: EC2Client;
  let s3: S3Client;
  let names = 0;
  let name = '';

  beforeAll(async () => {
    region = await startRegion();
    const settings = {
      region: region.name,
      endpoint: region.endpoint,
      credentials: { accessKeyId: 'AKIATESTKEY', secretAccessKey: 'x' },
    };
    cloudFormation = new CloudFormationClient(settings);
    ec2 = new EC2Client(settings);
    s3 = new S3Client({ ...settings, forcePathStyle: true });
  });
  afterAll(() => region.stop());
  beforeEach(() => {
    vi.unstubAllEnvs();
    names += 1;
    name = `stack-${names}`;
  });

  function body(resources: object, outputs: object = {}): string {
    return JSON.stringify({ Resources: resources, Outputs: outputs });
  }

  async function create(resources: object, outputs: object = {}): Promise<void> {
    const Capabilities = ['CAPABILITY_NAMED_IAM' as const];
    await cloudFormation.send(
      new CreateStackCommand({ StackName: name, TemplateBody: body(resources, outputs), Capabilities }),
    );
  }

  async function update(resources: object, outputs: object = {}): Promise<void> {
    await cloudFormation.send(new UpdateStackCommand({ StackName: name, TemplateBody: body(resources, outputs) }));
  }

  async function describeStack(): Promise<Stack> {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    if (!Stacks?.[0]) throw new Error(`no stack ${name}`);
    return Stacks[0];
  }

  async function settled(): Promise<Stack> {
    let stack = await describeStack();
    while (stack.StackStatus?.endsWith('_IN_PROGRESS')) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      stack = await describeStack();
    }
    return stack;
  }

  async function made(resources: object, outputs: object = {}): Promise<Record<string, string>> {
    await create(resources, outputs);
    const stack = await settled();
    expect(stack.StackStatus, (await failures()).join('\n')).toBe('CREATE_COMPLETE');
    return outputsOf(stack);
  }

  function outputsOf({ Outputs = [] }: Stack): Record<string, string> {
    return Object.fromEntries(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
  }

  async function failures(): Promise<string[]> {
    const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName: name }));
    return StackEvents.flatMap(({ ResourceStatusReason }) => ResourceStatusReason ?? []);
  }

  /** `Vpc CREATE_COMPLETE`, oldest first. */
  async function events(): Promise<string[]> {
    const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName: name }));
    return StackEvents.reverse().map(
      ({ LogicalResourceId, ResourceStatus }) => `${LogicalResourceId} ${ResourceStatus}`,
    );
  }

  async function reasonOf(what: string): Promise<string | undefined> {
    const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName: name }));
    return StackEvents.find((it) => `${it.LogicalResourceId} ${it.ResourceStatus}` === what)?.ResourceStatusReason;
  }

  async function bucketIsThere(bucket: string | undefined): Promise<boolean> {
    return s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'x', Body: 'x' })).then(
      () => true,
      () => false,
    );
  }

  test('makes resources after what they refer to, and tells of each', async () => {
    const { Subnet = '' } = await made(
      { Subnet: NETWORK.Subnet, Vpc: NETWORK.Vpc },
      { Subnet: { Value: { 'Fn::Sub': `\${Subnet} of \${Subnet.VpcId}` } } },
    );
    expect(Subnet).toMatch(/^subnet-\w+ of vpc-\w+$/);
    expect(await events()).toEqual([
      `${name} CREATE_IN_PROGRESS`,
      'Vpc CREATE_IN_PROGRESS',
      'Vpc CREATE_IN_PROGRESS',
      'Vpc CREATE_COMPLETE',
      'Subnet CREATE_IN_PROGRESS',
      'Subnet CREATE_IN_PROGRESS',
      'Subnet CREATE_COMPLETE',
      `${name} CREATE_COMPLETE`,
    ]);
  });

  test('a stack of a name is made once', async () => {
    await create({ Vpc: NETWORK.Vpc });
    await expect(create({ Vpc: NETWORK.Vpc })).rejects.toMatchObject({ name: 'AlreadyExistsException' });
  });

  test('a template that refers to nothing, or has an unknown type, is refused before anything is made', async () => {
    await expect(create({ Subnet: NETWORK.Subnet })).rejects.toThrow('Unresolved resource dependencies [Vpc]');
    await expect(create({ It: { Type: 'AWS::No::Such' } })).rejects.toThrow(
      'Unrecognized resource types: [AWS::No::Such]',
    );
    await expect(describeStack()).rejects.toThrow(`Stack with id ${name} does not exist`);
  });

  test('a creation that fails is rolled back: what was made is removed, the reasons stay', async () => {
    await create({
      Bucket: { ...BUCKET, Properties: { BucketName: `${name}-bucket` } },
      Handle: HANDLE,
      Wait: waiting(1),
    });
    expect(await settled()).toMatchObject({ StackStatus: 'ROLLBACK_COMPLETE' });
    expect(await reasonOf('Wait CREATE_FAILED')).toBe(
      'WaitCondition timed out. Received 0 conditions when expecting 1',
    );
    expect(await reasonOf(`${name} ROLLBACK_IN_PROGRESS`)).toContain('failed to create: [Wait]');
    expect((await events()).slice(-5)).toContain('Bucket DELETE_COMPLETE');
    expect(await bucketIsThere(`${name}-bucket`)).toBe(false);
  });

  test('what depends on a wait condition is made after its signal, which anybody with the URL sends', async () => {
    await create(
      { Handle: HANDLE, Wait: waiting(60), Bucket: { ...BUCKET, DependsOn: 'Wait' } },
      { Url: { Value: { Ref: 'Handle' } }, Data: { Value: { 'Fn::GetAtt': ['Wait', 'Data'] } } },
    );
    await until('the condition', async () => (await events()).includes('Wait CREATE_IN_PROGRESS'));
    const signal = JSON.stringify({ Status: 'SUCCESS', UniqueId: 'host', Reason: 'healthy', Data: 'it' });
    const url = await handleUrl();
    expect(url).toContain(`${region.endpoint}/cloudformation-waitcondition-${region.name}/arn%3Aaws%3Acloudformation`);
    expect((await events()).some((it) => it.startsWith('Bucket'))).toBe(false);
    // Signed for no content type, and for this signature alone.
    expect((await put(url, signal, { 'content-type': 'application/json' })).status).toBe(403);
    expect((await put(url.replace(/Signature=.*/, 'Signature=x'), signal)).status).toBe(403);
    expect((await put(url, signal)).status).toBe(200);
    const stack = await settled();
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    expect(outputsOf(stack)).toMatchObject({ Url: url, Data: '{"host": "it"}' });
  });

  async function handleUrl(logicalId = 'Handle'): Promise<string> {
    const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName: name }));
    const it = StackEvents.find(
      ({ LogicalResourceId: id, PhysicalResourceId }) => id === logicalId && PhysicalResourceId,
    );
    return it?.PhysicalResourceId ?? '';
  }

  function put(url: string, signal: string, headers: Record<string, string> = {}): Promise<Response> {
    // A string would get a content type.
    return fetch(url, { method: 'PUT', body: Buffer.from(signal), headers });
  }

  test('a signal of failure fails the stack with its reason, and conditions wait side by side', async () => {
    await create({
      ...{ A: HANDLE, B: HANDLE },
      ...{ WaitA: waiting(60, 'A'), WaitB: waiting(60, 'B') },
    });
    await until(
      'both conditions',
      async () => (await events()).filter((it) => /^Wait[AB] CREATE_IN_PROGRESS/.test(it)).length === 4,
    );
    await put(await handleUrl('B'), JSON.stringify({ Status: 'FAILURE', UniqueId: 'b', Reason: 'boot failed' }));
    expect((await settled()).StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(await reasonOf('WaitB CREATE_FAILED')).toBe(
      "WaitCondition received failed message: 'boot failed' for uniqueId: b",
    );
    expect(await reasonOf('WaitA CREATE_FAILED')).toBe('Resource creation cancelled');
  });

  test('an update adds and changes first, and removes what is not wanted any more at the end', async () => {
    const outputs = { Old: { Value: { Ref: 'Old' } } };
    const { Old } = await made({ ...NETWORK, Old: BUCKET }, outputs);
    const Group = structuredClone(NETWORK.Group);
    Object.assign(Group.Properties, {
      SecurityGroupIngress: [{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, CidrIp: '10.20.0.0/16' }],
    });
    await update({ ...NETWORK, Group, New: BUCKET });
    expect((await settled()).StackStatus).toBe('UPDATE_COMPLETE');
    const all = await events();
    expect(all.slice(all.indexOf(`${name} UPDATE_IN_PROGRESS`))).toEqual([
      `${name} UPDATE_IN_PROGRESS`,
      'Group UPDATE_IN_PROGRESS',
      'New CREATE_IN_PROGRESS',
      'New CREATE_IN_PROGRESS',
      'Group UPDATE_COMPLETE',
      'New CREATE_COMPLETE',
      `${name} UPDATE_COMPLETE_CLEANUP_IN_PROGRESS`,
      'Old DELETE_IN_PROGRESS',
      'Old DELETE_COMPLETE',
      `${name} UPDATE_COMPLETE`,
    ]);
    expect(await bucketIsThere(Old)).toBe(false);
    await expect(update({ ...NETWORK, Group, New: BUCKET })).rejects.toThrow('No updates are to be performed.');
  });

  test('an update that fails is taken back: template, outputs and resources are those of before', async () => {
    const first = { Bucket: { ...BUCKET, Properties: { BucketName: `${name}-old` } } };
    const outputs = { Bucket: { Value: { Ref: 'Bucket' } } };
    const before = await made(first, outputs);
    const second = {
      Bucket: { ...BUCKET, Properties: { BucketName: `${name}-new` } },
      Handle: HANDLE,
      Wait: { ...waiting(1), DependsOn: 'Bucket' },
    };
    await update(second, outputs);
    const stack = await settled();
    expect(stack.StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(outputsOf(stack)).toEqual(before);
    expect(await bucketIsThere(`${name}-old`)).toBe(true);
    expect(await bucketIsThere(`${name}-new`)).toBe(false);
    const { TemplateBody } = await cloudFormation.send(new GetTemplateCommand({ StackName: name }));
    expect(TemplateBody).toBe(body(first, outputs));
    const all = await events();
    expect(all.indexOf('Bucket UPDATE_COMPLETE')).toBeLessThan(all.indexOf('Wait CREATE_FAILED'));
    expect(all.indexOf('Bucket DELETE_COMPLETE')).toBeGreaterThan(
      all.indexOf(`${name} UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS`),
    );
  });

  test('a removal that fails leaves the stack in DELETE_FAILED, and what it depends on with it', async () => {
    const { Bucket } = await made(
      { Vpc: NETWORK.Vpc, Bucket: { ...BUCKET, DependsOn: 'Vpc' } },
      { Bucket: { Value: { Ref: 'Bucket' } } },
    );
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'b' }));
    await cloudFormation.send(new DeleteStackCommand({ StackName: name }));
    const stack = await settled();
    expect(stack).toMatchObject({
      StackStatus: 'DELETE_FAILED',
      StackStatusReason: 'The following resource(s) failed to delete: [Bucket]. ',
    });
    expect(await reasonOf('Bucket DELETE_FAILED')).toContain('The bucket you tried to delete is not empty');
    expect(await events()).not.toContain('Vpc DELETE_IN_PROGRESS');
    await cloudFormation.send(new DeleteStackCommand({ StackName: name, RetainResources: ['Bucket'] }));
    await until('the end of the stack', async () => (await describeStack().catch(() => undefined)) === undefined);
    expect(await bucketIsThere(Bucket)).toBe(true);
  });

  test('what has the deletion policy Retain outlives its stack', async () => {
    const { Bucket } = await made(
      { Bucket: { ...BUCKET, DeletionPolicy: 'Retain' } },
      { Bucket: { Value: { Ref: 'Bucket' } } },
    );
    await cloudFormation.send(new DeleteStackCommand({ StackName: name }));
    await until('the end of the stack', async () => (await describeStack().catch(() => undefined)) === undefined);
    expect(await bucketIsThere(Bucket)).toBe(true);
  });

  test('a stack that got stuck in its rollback goes on from there', async () => {
    await made({ Group: NETWORK.Group, Vpc: NETWORK.Vpc });
    const Group = structuredClone(NETWORK.Group);
    Group.Properties.SecurityGroupEgress = [];
    await region.failures({ resource: 'Group', verb: 'update', reason: 'not now', times: 0 });
    await update({ Vpc: NETWORK.Vpc, Group, Handle: HANDLE, Wait: { ...waiting(1), DependsOn: 'Group' } });
    await until('the update', async () => (await events()).includes('Group UPDATE_COMPLETE'));
    await region.failures({ resource: 'Group', verb: 'update', reason: 'not now' });
    expect((await settled()).StackStatus).toBe('UPDATE_ROLLBACK_FAILED');
    await region.failures();
    await cloudFormation.send(new ContinueUpdateRollbackCommand({ StackName: name }));
    expect((await settled()).StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(await reasonOf('Group UPDATE_FAILED')).toBe('not now');
  });

  test('a test puts a stack into a state, as others leave it', async () => {
    await region.putStack(name, 'REVIEW_IN_PROGRESS');
    expect((await describeStack()).StackStatus).toBe('REVIEW_IN_PROGRESS');
    await cloudFormation.send(new DeleteStackCommand({ StackName: name }));
    await until('the end of the stack', async () => (await describeStack().catch(() => undefined)) === undefined);
  });

  test('a change set makes a stack with its outputs, and one without changes says so', async () => {
    const asked = { StackName: name, TemplateBody: body({ Bucket: BUCKET }, { It: { Value: { Ref: 'Bucket' } } }) };
    await cloudFormation.send(new CreateChangeSetCommand({ ...asked, ChangeSetName: 'one', ChangeSetType: 'CREATE' }));
    expect((await describeStack()).StackStatus).toBe('REVIEW_IN_PROGRESS');
    const found = await cloudFormation.send(new DescribeChangeSetCommand({ StackName: name, ChangeSetName: 'one' }));
    expect(found).toMatchObject({
      Status: 'CREATE_COMPLETE',
      Changes: [{ ResourceChange: { Action: 'Add', LogicalResourceId: 'Bucket' } }],
    });
    await cloudFormation.send(new ExecuteChangeSetCommand({ StackName: name, ChangeSetName: 'one' }));
    const stack = await settled();
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    expect(outputsOf(stack).It).toMatch(new RegExp(`^${name}-bucket-`));
    await cloudFormation.send(new CreateChangeSetCommand({ ...asked, ChangeSetName: 'two', ChangeSetType: 'UPDATE' }));
    const none = await cloudFormation.send(new DescribeChangeSetCommand({ StackName: name, ChangeSetName: 'two' }));
    expect(none).toMatchObject({ Status: 'FAILED', StatusReason: expect.stringContaining("didn't contain changes") });
  });

  test.each(['direct', 'change-set'] as const)('the library behind `cdk deploy` deploys to it (%s)', async (method) => {
    const { BaseCredentials, Toolkit } = await import('@aws-cdk/toolkit-lib');
    const { App, CfnOutput, LegacyStackSynthesizer, Stack: CdkStack, aws_s3: cdkS3 } = await import('aws-cdk-lib');
    vi.stubEnv('AWS_ENDPOINT_URL', region.endpoint);
    const folder = await mkdtemp(join(tmpdir(), 'prestage-assembly-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const toolkit = new Toolkit({
      ioHost: { notify: async () => {}, requestResponse: async ({ defaultResponse }) => defaultResponse },
      sdkConfig: {
        baseCredentials: BaseCredentials.custom({
          provider: async () => ({ accessKeyId: 'AKIATESTKEY', secretAccessKey: 'x' }),
          region: region.name,
        }),
      },
    });
    for (const versioned of [false, true]) {
      const app = new App({ analyticsReporting: false, outdir: join(folder, String(versioned)) });
      const stack = new CdkStack(app, name, {
        env: { account: '123456789012', region: region.name },
        synthesizer: new LegacyStackSynthesizer() as IStackSynthesizer,
      });
      const bucket = new cdkS3.Bucket(stack, 'Bucket', { versioned });
      new CfnOutput(stack, 'Name', { value: bucket.bucketName });
      const { directory } = app.synth();
      const source = await toolkit.fromAssemblyDirectory(directory);
      await toolkit.deploy(source, { deploymentMethod: { method }, stackEventPollingInterval: 100 });
    }
    const stack = await describeStack();
    expect(stack.StackStatus).toBe('UPDATE_COMPLETE');
    expect(outputsOf(stack).Name).toMatch(new RegExp(`^${name}-bucket`));
  });

  async function launchTemplate(): Promise<{ template: string; subnet: string; role: string }> {
    const {
      Subnet = '',
      Group = '',
      Profile = '',
    } = await made(
      {
        ...NETWORK,
        Role: {
          Type: 'AWS::IAM::Role',
          Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] }, RoleName: `${name}-role` },
        },
        Profile: { Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [{ Ref: 'Role' }] } },
      },
      {
        Subnet: { Value: { Ref: 'Subnet' } },
        Group: { Value: { Ref: 'Group' } },
        Profile: { Value: { Ref: 'Profile' } },
      },
    );
    const { LaunchTemplate } = await ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: name,
        LaunchTemplateData: {
          ImageId: 'ami-12345678',
          InstanceType: 'm7i.large',
          SecurityGroupIds: [Group],
          IamInstanceProfile: { Name: Profile },
          InstanceInitiatedShutdownBehavior: 'terminate',
          UserData: Buffer.from('#!/bin/sh\n# of the template').toString('base64'),
          TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'a', Value: 'template' }] }],
        },
      }),
    );
    return { template: LaunchTemplate?.LaunchTemplateId ?? '', subnet: Subnet, role: `${name}-role` };
  }

  test('an instance has all that its launch template says, but for what the request says', async () => {
    const { template, subnet, role } = await launchTemplate();
    const userData = Buffer.from('#!/bin/sh\n# of the request').toString('base64');
    const { Instances: [instance] = [] } = await ec2.send(
      new RunInstancesCommand({
        ...{
          MinCount: 1,
          MaxCount: 1,
          LaunchTemplate: { LaunchTemplateId: template },
          SubnetId: subnet,
          UserData: userData,
        },
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'b', Value: 'request' }] }],
      }),
    );
    expect(instance).toMatchObject({
      InstanceType: 'm7i.large',
      ImageId: 'ami-12345678',
      SecurityGroups: [expect.anything()],
    });
    expect(instance?.PrivateIpAddress).toMatch(/^10\.20\.1\./);
    const found = (await region.machines()).instances.find(({ id }) => id === instance?.InstanceId);
    expect(found).toMatchObject({
      userData,
      role: expect.stringContaining(role),
      tags: { a: 'template', b: 'request' },
    });
    const attribute = await ec2.send(
      new DescribeInstanceAttributeCommand({ InstanceId: instance?.InstanceId, Attribute: 'userData' }),
    );
    expect(attribute.UserData?.Value).toBe(userData);
    await region.shutDown(instance?.InstanceId ?? '');
    expect(await stateOf(instance?.InstanceId)).toBe('terminated');
  });

  async function stateOf(instance: string | undefined): Promise<string | undefined> {
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance ?? ''] }));
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  }

  test('the same launch token gives the same instance, also after its end, and is refused for another launch', async () => {
    const { template, subnet } = await launchTemplate();
    const asked = {
      ClientToken: name,
      MinCount: 1,
      MaxCount: 1,
      LaunchTemplate: { LaunchTemplateId: template },
      SubnetId: subnet,
    };
    const launch = async () => (await ec2.send(new RunInstancesCommand(asked))).Instances?.[0];
    const [one, two] = await Promise.all([launch(), launch()]);
    expect(one?.InstanceId).toBe(two?.InstanceId);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [one?.InstanceId ?? ''] }));
    expect(await launch()).toMatchObject({ InstanceId: one?.InstanceId, State: { Name: 'terminated' } });
    await expect(ec2.send(new RunInstancesCommand({ ...asked, InstanceType: 't3.nano' }))).rejects.toMatchObject({
      name: 'IdempotentParameterMismatch',
    });
  });

  test('a launch whose answer is lost has happened, and is tried again by the client', async () => {
    const { template, subnet } = await launchTemplate();
    await region.faults({ service: 'ec2', action: 'RunInstances', effect: 'lost', times: 1 });
    const before = (await region.calls({ action: 'RunInstances' })).length;
    const { Instances } = await ec2.send(
      new RunInstancesCommand({
        ClientToken: name,
        MinCount: 1,
        MaxCount: 1,
        LaunchTemplate: { LaunchTemplateId: template },
        SubnetId: subnet,
      }),
    );
    expect((await region.calls({ action: 'RunInstances' })).slice(before)).toMatchObject([{ fault: 'lost' }, {}]);
    const { Reservations } = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: 'subnet-id', Values: [subnet] }] }),
    );
    expect(Reservations?.map((it) => it.Instances?.[0]?.InstanceId)).toEqual([Instances?.[0]?.InstanceId]);
  });

  test('S3 is slow, cut off or refuses old credentials where a test wants it', async () => {
    const { It: Bucket } = await made({ Bucket: BUCKET }, { It: { Value: { Ref: 'Bucket' } } });
    await region.faults(
      { service: 's3', action: 'PutObject', path: '/twice$', effect: 'slow-down', times: 1 },
      { service: 's3', action: 'PutObject', path: '/twice$', effect: 'reset', times: 1 },
      { service: 's3', path: '/old', effect: 'expired' },
    );
    await s3.send(new PutObjectCommand({ Bucket, Key: 'twice', Body: 'x' }));
    const calls = (await region.calls({ action: 'PutObject' })).filter(({ path }) => path.endsWith('/twice'));
    expect(calls.map(({ fault }) => fault)).toEqual(['slow-down', 'reset', undefined]);
    await expect(s3.send(new PutObjectCommand({ Bucket, Key: 'old', Body: 'x' }))).rejects.toMatchObject({
      name: 'ExpiredToken',
    });
    await region.faults({ service: 's3', action: 'GetObject', effect: 'late', ms: 300, times: 1 });
    const asked = performance.now();
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'twice' }));
    expect(await Body?.transformToString()).toBe('x');
    expect(performance.now() - asked).toBeGreaterThan(290);
    await region.faults();
  });

  test('of many writers of one object that must not be there, one succeeds', async () => {
    const { It: Bucket } = await made({ Bucket: BUCKET }, { It: { Value: { Ref: 'Bucket' } } });
    const writes = Array.from({ length: 12 }, (_, writer) =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'lock', Body: String(writer), IfNoneMatch: '*' })),
    );
    const all = await Promise.allSettled(writes);
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { ETag } = await s3.send(new GetObjectCommand({ Bucket, Key: 'lock' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'lock', Body: 'next', IfMatch: ETag }));
    await expect(
      s3.send(new PutObjectCommand({ Bucket, Key: 'lock', Body: 'late', IfMatch: ETag })),
    ).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });
});
