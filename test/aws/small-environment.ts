import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeInstancesCommand, EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { awsTool } from '../requirements.js';
import { until } from '../until.js';
import { type Guests, startGuests } from './guests/guests.js';
import { type Region, startRegion } from './region.js';

/** Where a host's signal URL is to be, in user data that a stack fills in. */
export const SIGNAL_URL = '<the handle>';

const ref = (Ref: string) => ({ Ref });

function role(...actions: string[]) {
  const Statement = [{ Effect: 'Allow', Action: actions, Resource: '*' }];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
      Policies: [{ PolicyName: 'it', PolicyDocument: { Version: '2012-10-17', Statement } }],
    },
  };
}

const profile = (name: string) => ({ Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [ref(name)] } });

function group(...ingress: unknown[]) {
  return {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: { GroupDescription: 'a group', VpcId: ref('Vpc'), SecurityGroupIngress: ingress },
  };
}

/** A file system with an access point; `group`: of its mount target, if it has one. */
function files(name: string, denied: object, group?: string) {
  const policy = { Statement: [{ Effect: 'Deny', Principal: '*', Action: '*', ...denied }] };
  const creation = { OwnerUid: '0', OwnerGid: '0', Permissions: '755' };
  return {
    [name]: { Type: 'AWS::EFS::FileSystem', Properties: { FileSystemPolicy: policy } },
    [`${name}Point`]: {
      Type: 'AWS::EFS::AccessPoint',
      Properties: { FileSystemId: ref(name), RootDirectory: { Path: '/prestage', CreationInfo: creation } },
    },
    ...(group === undefined
      ? {}
      : {
          [`${name}Target`]: {
            Type: 'AWS::EFS::MountTarget',
            Properties: { FileSystemId: ref(name), SubnetId: ref('Subnet'), SecurityGroups: [ref(group)] },
          },
        }),
  };
}

const withoutTls = { Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
const FILES = ['Files', 'Nowhere', 'Closed', 'Denied'] as const;
const resources = {
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.20.0.0/16' } },
  Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: ref('Vpc'), CidrBlock: '10.20.1.0/24' } },
  Group: group({ IpProtocol: '-1', CidrIp: '10.20.0.0/16' }),
  ClosedGroup: group(),
  Bucket: { Type: 'AWS::S3::Bucket', Properties: {} },
  Writer: role('elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'),
  WriterProfile: profile('Writer'),
  Reader: role('elasticfilesystem:ClientMount'),
  ReaderProfile: profile('Reader'),
  ...files('Files', withoutTls, 'Group'),
  ...files('Nowhere', withoutTls),
  ...files('Closed', withoutTls, 'ClosedGroup'),
  ...files('Denied', {}, 'Group'),
};
const outputs = [
  'Subnet',
  'Group',
  'Bucket',
  'WriterProfile',
  'ReaderProfile',
  ...FILES,
  ...FILES.map((it) => `${it}Point`),
];

export type Profile = 'WriterProfile' | 'ReaderProfile';

/** How a host's stack ended. */
export interface HostStack {
  instance: string;
  status: string;
  /** Why it failed. */
  reasons: string;
}

/** A region with a network, a bucket and file systems, in which scripts of machines are run. */
export class SmallEnvironment {
  readonly region: Region;
  readonly guests: Guests;
  #ids: Record<string, string> = {};
  readonly #ec2: EC2Client;
  readonly #s3: S3Client;
  readonly #cloudFormation: CloudFormationClient;

  private constructor(region: Region, guests: Guests) {
    this.region = region;
    this.guests = guests;
    const credentials = { accessKeyId: 'AKIATESTKEY', secretAccessKey: 'x' };
    const settings = { region: region.name, endpoint: region.endpoint, credentials };
    this.#ec2 = new EC2Client(settings);
    this.#s3 = new S3Client({ ...settings, forcePathStyle: true });
    this.#cloudFormation = new CloudFormationClient(settings);
  }

  static async start(): Promise<SmallEnvironment> {
    const region = await startRegion();
    const it = new SmallEnvironment(region, await startGuests(region));
    const template = {
      Resources: resources,
      Outputs: Object.fromEntries(outputs.map((name) => [name, { Value: ref(name) }])),
    };
    const { status, reasons, ids } = await it.#stack('all', template);
    if (status !== 'CREATE_COMPLETE') throw new Error(reasons);
    it.#ids = ids;
    return it;
  }

  async stop(): Promise<void> {
    await this.guests.stop();
    await this.region.stop();
  }

  id(name: string): string {
    const id = this.#ids[name];
    if (id === undefined) throw new Error(`the stack has no output ${name}`);
    return id;
  }

  /** What a machine's script must know. */
  inputs(files: (typeof FILES)[number] = 'Files') {
    const { name: region } = this.region;
    return { region, bucket: this.id('Bucket'), fileSystemId: this.id(files), accessPointId: this.id(`${files}Point`) };
  }

  /** Launches a machine that ends with its shutdown. @returns its instance */
  async launch(userData: string, as: Profile): Promise<string> {
    const { Instances } = await this.#ec2.send(
      new RunInstancesCommand({
        MinCount: 1,
        MaxCount: 1,
        ImageId: 'ami-12345678',
        SubnetId: this.id('Subnet'),
        SecurityGroupIds: [this.id('Group')],
        IamInstanceProfile: { Name: this.id(as) },
        InstanceInitiatedShutdownBehavior: 'terminate',
        UserData: Buffer.from(userData).toString('base64'),
      }),
    );
    return Instances?.[0]?.InstanceId ?? '';
  }

  async stateOf(instance: string): Promise<string | undefined> {
    const { Reservations } = await this.#ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance] }));
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  }

  /** A stack of one host and its wait condition, until it is settled. */
  async host(userData: string, as: Profile): Promise<HostStack> {
    const [before = '', after = ''] = userData.split(SIGNAL_URL);
    const template = {
      Resources: {
        Handle: { Type: 'AWS::CloudFormation::WaitConditionHandle', Properties: {} },
        Host: {
          Type: 'AWS::EC2::Instance',
          Properties: {
            ImageId: 'ami-12345678',
            SubnetId: this.id('Subnet'),
            SecurityGroupIds: [this.id('Group')],
            IamInstanceProfile: this.id(as),
            UserData: { 'Fn::Base64': { 'Fn::Join': ['', [before, ref('Handle'), after]] } },
          },
        },
        Healthy: {
          Type: 'AWS::CloudFormation::WaitCondition',
          DependsOn: 'Host',
          Properties: { Handle: ref('Handle'), Timeout: '55' },
        },
      },
    };
    const { status, reasons, instance } = await this.#stack(`host-${randomBytes(4).toString('hex')}`, template);
    return { status, reasons, instance };
  }

  async put(Key: string, Body: Uint8Array | string): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: this.id('Bucket'), Key, Body }));
  }

  /** Undefined where there is none. */
  async get(Key: string): Promise<string | undefined> {
    const command = new GetObjectCommand({ Bucket: this.id('Bucket'), Key });
    const found = await this.#s3.send(command).catch(() => undefined);
    return found?.Body?.transformToString();
  }

  /** @returns its ARN */
  async secret(value: unknown): Promise<string> {
    const name = `it-${randomBytes(4).toString('hex')}`;
    const wanted = ['--name', name, '--secret-string', JSON.stringify(value), '--query', 'ARN', '--output', 'text'];
    return this.#aws('secretsmanager', 'create-secret', ...wanted);
  }

  /** Encrypted, as secrets are. @returns its name */
  async parameter(value: string): Promise<string> {
    const name = `/it/${randomBytes(4).toString('hex')}`;
    await this.#aws('ssm', 'put-parameter', '--type', 'SecureString', '--name', name, '--value', value);
    return name;
  }

  async #aws(...words: string[]): Promise<string> {
    const env = { ...process.env, ...this.region.env };
    return (await promisify(execFile)(awsTool('aws'), words, { env })).stdout.trim();
  }

  async #stack(StackName: string, template: object) {
    const cloudFormation = this.#cloudFormation;
    await cloudFormation.send(
      new CreateStackCommand({
        StackName,
        TemplateBody: JSON.stringify(template),
        Capabilities: ['CAPABILITY_IAM'],
      }),
    );
    const stack = await until(
      `stack ${StackName}`,
      async () => {
        const { Stacks: [found] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
        return !found?.StackStatus?.endsWith('_IN_PROGRESS') && found;
      },
      60_000,
    );
    const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName }));
    const failed = StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED'));
    const instance = StackEvents.find(
      ({ LogicalResourceId: id, PhysicalResourceId }) => id === 'Host' && PhysicalResourceId,
    );
    return {
      status: stack.StackStatus ?? '',
      reasons: failed.map(({ ResourceStatusReason }) => ResourceStatusReason).join('\n'),
      instance: instance?.PhysicalResourceId ?? '',
      ids: Object.fromEntries((stack.Outputs ?? []).map((it) => [it.OutputKey ?? '', it.OutputValue ?? ''])),
    };
  }
}
