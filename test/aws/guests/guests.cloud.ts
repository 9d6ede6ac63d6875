import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeInstancesCommand,
  EC2Client,
  GetConsoleOutputCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../requirements.js';
import { until } from '../../until.js';
import { type Region, startRegion } from '../region.js';
import { type Guests, startGuests } from './guests.js';

const ref = (Ref: string) => ({ Ref });
const att = (name: string, attribute: string) => ({ 'Fn::GetAtt': [name, attribute] });

function role(...actions: string[]) {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
      Policies: [
        {
          PolicyName: 'it',
          PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] },
        },
      ],
    },
  };
}

const profile = (name: string) => ({ Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [ref(name)] } });

function host(index: number) {
  return {
    Type: 'AWS::EC2::Instance',
    Properties: {
      ImageId: 'ami-12345678',
      SubnetId: ref('Subnet'),
      SecurityGroupIds: [ref('Group')],
      UserData: {
        'Fn::Base64': `#!/bin/sh
dnf -y -q install nodejs22
exec node -e 'http.createServer((_, response) => response.end("host ${index}")).listen(8080)'`,
      },
    },
  };
}

const resources = {
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.20.0.0/16' } },
  Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: ref('Vpc'), CidrBlock: '10.20.1.0/24' } },
  Group: {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: {
      GroupDescription: 'all',
      VpcId: ref('Vpc'),
      SecurityGroupIngress: [{ IpProtocol: '-1', CidrIp: '10.20.0.0/16' }],
    },
  },
  Bucket: { Type: 'AWS::S3::Bucket', Properties: {} },
  Writer: role('elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'),
  WriterProfile: profile('Writer'),
  Reader: role('elasticfilesystem:ClientMount'),
  ReaderProfile: profile('Reader'),
  Nobody: role('s3:*'),
  NobodyProfile: profile('Nobody'),
  Files: {
    Type: 'AWS::EFS::FileSystem',
    Properties: {
      FileSystemPolicy: {
        Statement: [
          { Effect: 'Deny', Principal: '*', Action: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
        ],
      },
    },
  },
  Target: {
    Type: 'AWS::EFS::MountTarget',
    Properties: { FileSystemId: ref('Files'), SubnetId: ref('Subnet'), SecurityGroups: [ref('Group')] },
  },
  Point: {
    Type: 'AWS::EFS::AccessPoint',
    Properties: {
      FileSystemId: ref('Files'),
      RootDirectory: { Path: '/prestage', CreationInfo: { OwnerUid: '0', OwnerGid: '0', Permissions: '755' } },
    },
  },
  A: host(1),
  B: host(2),
  Zone: {
    Type: 'AWS::Route53::HostedZone',
    Properties: { Name: 'portal.internal.', VPCs: [{ VPCId: ref('Vpc'), VPCRegion: 'eu-central-1' }] },
  },
  Name: {
    Type: 'AWS::Route53::RecordSet',
    Properties: {
      HostedZoneId: ref('Zone'),
      Name: 'a.portal.internal.',
      Type: 'A',
      TTL: 30,
      ResourceRecords: [att('A', 'PrivateIp')],
    },
  },
  Balancer: {
    Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
    Properties: { Type: 'network', Scheme: 'internal', Subnets: [ref('Subnet')] },
  },
  Targets: {
    Type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
    Properties: {
      Port: 8080,
      Protocol: 'TCP',
      TargetType: 'instance',
      VpcId: ref('Vpc'),
      Targets: [{ Id: ref('A') }, { Id: ref('B') }],
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
};
const outputs = Object.fromEntries(
  ['Subnet', 'Group', 'Bucket', 'Files', 'Point', 'WriterProfile', 'ReaderProfile', 'NobodyProfile', 'A', 'B'].map(
    (name) => [name, { Value: ref(name) }],
  ),
);

describe.skipIf(lacks('moto', 'awscli', 'namespaces'))('the machines of the emulated region', () => {
  let region: Region;
  let guests: Guests;
  let ec2: EC2Client;
  let s3: S3Client;
  let out: Record<string, string> = {};

  beforeAll(async () => {
    region = await startRegion();
    guests = await startGuests(region);
    const settings = {
      region: region.name,
      endpoint: region.endpoint,
      credentials: { accessKeyId: 'AKIATESTKEY', secretAccessKey: 'x' },
    };
    ec2 = new EC2Client(settings);
    s3 = new S3Client({ ...settings, forcePathStyle: true });
    const cloudFormation = new CloudFormationClient(settings);
    await cloudFormation.send(
      new CreateStackCommand({
        StackName: 'all',
        TemplateBody: JSON.stringify({
          Resources: resources,
          Outputs: { ...outputs, Balancer: { Value: att('Balancer', 'DNSName') } },
        }),
        Capabilities: ['CAPABILITY_IAM'],
      }),
    );
    out = await until('the stack', async () => {
      const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: 'all' }));
      if (stack?.StackStatus?.startsWith('ROLLBACK'))
        throw new Error(
          JSON.stringify(await cloudFormation.send(new DescribeStackEventsCommand({ StackName: 'all' }))),
        );
      if (stack?.StackStatus !== 'CREATE_COMPLETE') return undefined;
      return Object.fromEntries(
        (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
      );
    });
  });
  afterAll(async () => {
    await guests?.stop();
    await region?.stop();
  });

  async function launch(
    script: string,
    { as = 'NobodyProfile', ends = 'terminate' as 'terminate' | 'stop' } = {},
  ): Promise<string> {
    const { Instances } = await ec2.send(
      new RunInstancesCommand({
        ...{
          MinCount: 1,
          MaxCount: 1,
          ImageId: 'ami-12345678',
          SubnetId: out.Subnet,
          SecurityGroupIds: [out.Group ?? ''],
        },
        IamInstanceProfile: { Name: out[as] },
        InstanceInitiatedShutdownBehavior: ends,
        UserData: Buffer.from(script).toString('base64'),
      }),
    );
    return Instances?.[0]?.InstanceId ?? '';
  }

  async function stateOf(id: string): Promise<string | undefined> {
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  }

  async function object(key: string): Promise<string | undefined> {
    const found = await s3.send(new GetObjectCommand({ Bucket: out.Bucket, Key: key })).catch(() => undefined);
    return found?.Body?.transformToString();
  }

  /** What a machine printed, once a line says so. */
  async function printed(id: string, mark: string): Promise<string> {
    return until(
      `${mark} of ${id}: ${guests.find(id)?.console}`,
      () => (guests.find(id)?.console.includes(mark) ? guests.find(id)?.console : undefined),
      20_000,
    );
  }

  test("runs its user data as root, with its instance's metadata and the credentials of its role", async () => {
    const id = await launch(`#!/bin/bash
token=$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
get() { curl -s -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"; }
echo "user: $(id -u), instance: $(get instance-id), address: $(get local-ipv4), region: $(get placement/region)"
echo "addresses: $(hostname -I)"
echo "without token: $(curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/)"
echo "tags: $(curl -s -o /dev/null -w '%{http_code}' -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/tags/)"
echo "elsewhere: $(curl -s -m 3 -o /dev/null -w '%{http_code}' http://192.0.2.1/)"
aws sts get-caller-identity --region eu-central-1 --query Arn --output text
echo content >/tmp/it
aws s3 cp --only-show-errors --region eu-central-1 /tmp/it s3://${out.Bucket}/from-the-cli
command -v node || echo 'no node'
dnf -y -q install nodejs22
cd ${process.cwd()}
AWS_REGION=eu-central-1 node-22 --input-type=module -e '
  import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
  await new S3Client({ forcePathStyle: true }).send(new PutObjectCommand({ Bucket: "${out.Bucket}", Key: "from-the-sdk", Body: "sdk" }));
'
echo done`);
    const text = await printed(id, 'cloud-init: finished');
    const { address } = guests.find(id)?.instance ?? { address: '' };
    expect(text).toContain(`user: 0, instance: ${id}, address: ${address}, region: eu-central-1`);
    expect(text).toContain(`addresses: ${address}`);
    expect(text).toMatch(/without token: 401\ntags: 404\nelsewhere: 000\n/);
    expect(text).toMatch(new RegExp(`arn:aws:sts::\\d+:assumed-role/all-Nobody-\\w+/${id}`));
    expect(text).toContain('no node\n');
    expect(await object('from-the-cli')).toBe('content\n');
    expect(await object('from-the-sdk')).toBe('sdk');
    const said = await until('the console', async () => {
      const { Output = '' } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: id }));
      const text = Buffer.from(Output, 'base64').toString();
      return text.includes('cloud-init: finished') && text;
    });
    expect(said).toBe(text);
  });

  test.each([
    ['WriterProfile', 'wrote it'],
    ['ReaderProfile', 'Read-only file system'],
    ['NobodyProfile', "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'"],
  ])('mounts a file system as the role may (%s)', async (as, said) => {
    const id = await launch(
      `#!/bin/sh
mkdir /mnt/store
mount -t efs -o tls,iam,accesspoint=${out.Point} ${out.Files}:/ /mnt/store
dnf -y -q install amazon-efs-utils
mount -t efs -o tls,iam,accesspoint=${out.Point} ${out.Files}:/ /mnt/store && grep ' /mnt/store ' /proc/mounts && echo ${as} >/mnt/store/file && echo 'wrote it'`,
      { as },
    );
    const text = await printed(id, 'cloud-init: finished');
    expect(text).toContain("unknown filesystem type 'efs'");
    expect(text).toContain(said);
    if (as === 'WriterProfile')
      expect(readFileSync(`${guests.fileSystem(out.Files ?? '')}/prestage/file`, 'utf8')).toBe(`${as}\n`);
  });

  test('a file system is not there in the first seconds, where a test wants it so', async () => {
    guests.faults({ mountFailsMs: 1500 });
    const id = await launch(
      `#!/bin/sh
mkdir /mnt/store
dnf -y -q install amazon-efs-utils
until mount -t efs -o tls,iam,accesspoint=${out.Point} ${out.Files}:/ /mnt/store; do sleep 0.5; done`,
      { as: 'ReaderProfile' },
    );
    expect(await printed(id, 'cloud-init: finished')).toContain(
      `Failed to resolve "${out.Files}.efs.eu-central-1.amazonaws.com"`,
    );
    guests.faults({});
  });

  test('runs timers and services that are restarted, which do not have the environment of who starts them', async () => {
    const id = await launch(`#!/bin/sh
export SECRET=mine
systemd-run --on-active=1s --unit=later sh -c 'echo "timer" >>/tmp/out'
systemd-run --unit=service --collect --property=Restart=always --property=RestartSec=200ms --setenv=GIVEN=value \\
  sh -c 'echo "service $GIVEN \${SECRET:-none} $AWS_ENDPOINT_URL" >>/tmp/out; sleep 0.2; exit 1'
systemd-run --unit=service true
systemd-run --property=Nonsense=1 true
while [ "$(grep -c service /tmp/out)" -lt 3 ] || ! grep -q timer /tmp/out; do sleep 0.1; done
cat /tmp/out`);
    const text = await printed(id, 'cloud-init: finished');
    expect(text).toContain(`service value none ${region.endpoint}`);
    expect(text).toContain('timer\n');
    expect(text).toContain('Unit service.service was already loaded');
    expect(text).toContain('Unknown assignment: Nonsense=1');
  });

  test.each(['terminate', 'stop'] as const)('shuts itself down, and its instance with it (%s)', async (ends) => {
    const id = await launch(
      `#!/bin/sh
trap 'aws s3 cp --region eu-central-1 --only-show-errors /etc/hostname s3://${out.Bucket}/${ends}; exit' TERM
sleep 600 &
shutdown -h now
wait`,
      { ends },
    );
    await until('its end', async () => (await stateOf(id)) === (ends === 'terminate' ? 'terminated' : 'stopped'));
    expect(guests.find(id)?.on).toBe(false);
    expect(await object(ends)).toBeDefined();
  });

  test('leaves nothing in this system, and keeps its disk from one start to the next', async () => {
    const id = await launch(
      `Content-Type: multipart/mixed; boundary="=="
MIME-Version: 1.0

--==
Content-Type: text/x-shellscript

#!/bin/sh
mkdir -p /var/lib/prestage-of-a-guest && echo first >>/var/lib/prestage-of-a-guest/starts

--==
Content-Type: text/x-shellscript-per-boot

#!/bin/sh
echo "start" >>/var/lib/prestage-of-a-guest/starts
cat /var/lib/prestage-of-a-guest/starts
--==--
`,
      { ends: 'stop' },
    );
    expect(await printed(id, 'cloud-init: finished')).toContain('first\nstart\n');
    await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
    await until('its end', () => guests.find(id)?.on === false);
    await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
    expect(await printed(id, 'first\nstart\nstart\n')).toBeDefined();
    expect(existsSync('/var/lib/prestage-of-a-guest')).toBe(false);
  });

  test('machines reach each other by the names of private zones and through load balancers', async () => {
    const id = await launch(`#!/bin/sh
until curl -sf http://a.portal.internal:8080 && curl -sf http://${out.Balancer}/; do sleep 0.2; done
echo
for each in 1 2 3 4; do curl -s http://${out.Balancer}/; echo; done
`);
    const text = await printed(id, 'cloud-init: finished');
    expect(text).toContain('host 1');
    expect(text.split('\n').filter((line) => line === 'host 2')).toHaveLength(2);
    await guests.find(out.B ?? '')?.kill();
    expect(await guests.find(id)?.run(`for each in 1 2; do curl -s http://${out.Balancer}/; done`)).toBe(
      'host 1host 1',
    );
    expect(await stateOf(out.B ?? '')).toBe('running');
  });

  test('ends when its instance is terminated, or never begins, or never ends, as a test wants it', async () => {
    const script = `#!/bin/sh
trap 'echo told to end; exit' TERM
sleep 600 &
wait`;
    const good = await launch(script);
    await until('its start', () => guests.find(good)?.on);
    const stubborn = await launch(script);
    await until('its start', () => guests.find(stubborn)?.on);
    guests.faults({ starts: () => false, ends: ({ id }) => id !== stubborn });
    const never = await launch(script);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [good, stubborn] }));
    await until('its end', () => guests.find(good)?.on === false);
    expect(guests.find(good)?.console).toContain('told to end');
    expect(guests.find(stubborn)?.on).toBe(true);
    expect(guests.find(never)).toBeUndefined();
    expect(await stateOf(never)).toBe('running');
    guests.faults({});
  });

  function networks(of: string): string[] {
    const all = execFileSync('ip', ['netns', 'list']).toString().split('\n');
    return all.filter((line) => line.startsWith(`prestage-guests-${of}-`));
  }

  /** The processes whose command line has a text in it. */
  function processes(text: string): string[] {
    return readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
      } catch {
        return false; // it has ended
      }
    });
  }

  function folders(of: string): string[] {
    return readdirSync(tmpdir()).filter((name) => name.startsWith(`prestage-guests-${of}-`));
  }

  test('nothing is left when they are stopped', async () => {
    const other = await startGuests(region);
    await until('machines', () => other.all().length > 1 && other.all().every(({ on }) => on));
    const of = `${process.pid}-2`;
    expect(networks(of)).not.toEqual([]);
    expect(processes(`prestage-guests-${of}-`)).not.toEqual([]);
    expect(folders(of)).toHaveLength(1);
    await other.stop();
    expect([networks(of), processes(`prestage-guests-${of}-`), folders(of)]).toEqual([[], [], []]);
  });

  test('machines end with the process that runs them, and the next one to run some removes what is left', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', CRASHES], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(child.stdout), 'line');
    expect(line).toBe('running');
    const of = String(child.pid);
    const marks = [`prestage-guests-${of}-`, `sleep ${of}`];
    expect(marks.map((mark) => processes(mark).length > 0)).toEqual([true, true]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until('the end of its processes', () => marks.every((mark) => processes(mark).length === 0));
    await (await startGuests(region)).stop();
    expect([networks(of), folders(of)]).toEqual([[], []]);
  });
});

/** Runs one machine, whose script sleeps for as many seconds as the number of this process is. */
const CRASHES = `
import { createJiti } from 'jiti';
import { EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
const jiti = createJiti(process.cwd() + '/');
const { startRegion } = await jiti.import('./test/aws/region.ts');
const { startGuests } = await jiti.import('./test/aws/guests/guests.ts');
const region = await startRegion();
const guests = await startGuests(region);
const ec2 = new EC2Client({ region: region.name, endpoint: region.endpoint, credentials: { accessKeyId: 'x', secretAccessKey: 'x' } });
const UserData = Buffer.from('#!/bin/sh\\necho begun; sleep ' + process.pid).toString('base64');
await ec2.send(new RunInstancesCommand({ MinCount: 1, MaxCount: 1, ImageId: 'ami-1', UserData }));
while (!guests.all().some((guest) => guest.console.includes('begun'))) await new Promise((resolve) => setTimeout(resolve, 50));
console.log('running');
setInterval(() => {}, 1000);
`;
