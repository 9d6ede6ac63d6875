import {
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  DescribeRouteTablesCommand,
  EC2Client,
  ModifyVpcAttributeCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateFileSystemCommand,
  CreateMountTargetCommand,
  EFSClient,
  PutFileSystemPolicyCommand,
} from '@aws-sdk/client-efs';
import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import type { AwsEnvironment, AwsNetwork, ServicesPlan } from '../../src/plan/index.js';
import { openSession } from '../../src/targets/aws/api/session.js';
import { checkClock } from '../../src/targets/aws/doctor/clock.js';
import { checkRegion } from '../../src/targets/aws/doctor/credentials.js';
import type { Examined } from '../../src/targets/aws/doctor/examined.js';
import { checkImage } from '../../src/targets/aws/doctor/image.js';
import { awsChecks } from '../../src/targets/aws/doctor/index.js';
import { checkStack } from '../../src/targets/aws/doctor/stacks.js';
import type { Finding } from '../../src/targets/checks/finding.js';
import { runChecks } from '../../src/targets/checks/run-checks.js';
import { freePort } from '../local-target.js';
import { lacks } from '../requirements.js';
import { type Region, startRegion } from './region.js';

const service = { role: 'service' as const, after: [], environment: {} };
const SERVICES: ServicesPlan = { services: [{ ...service, name: 'api', count: 2 }] };
const REGION = 'eu-central-1';
const { signal } = new AbortController();

describe.skipIf(lacks('moto'))('what doctor says of AWS', () => {
  let region: Region;
  let ec2: EC2Client;
  let efs: EFSClient;
  beforeAll(async () => {
    region = await startRegion(REGION);
  }, 60_000);
  afterAll(() => region?.stop());
  beforeEach(async () => {
    await fetch(`${region.endpoint}/moto-api/reset`, { method: 'POST' });
    await Promise.all([region.faults(), region.quotas({})]);
    for (const [name, value] of Object.entries(region.env)) vi.stubEnv(name, value);
    ec2 = new EC2Client();
    efs = new EFSClient();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const environmentWith = (changes: Partial<AwsEnvironment>): AwsEnvironment => ({
    ...normalizeAwsEnvironment('dev', { target: 'aws', region: REGION }),
    ...changes,
  });

  async function examined(
    changes: Partial<AwsEnvironment> = {},
    { services = SERVICES, now }: { services?: ServicesPlan; now?: () => number } = {},
  ): Promise<Record<string, Finding>> {
    const given = { project: 'portal', environment: environmentWith(changes), services };
    const findings = await runChecks(awsChecks(given, now ? { now } : {}), { signal });
    return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
  }

  /** For checks that can be tried alone. */
  function sessionIn(name: string): Examined {
    const environment = environmentWith({ region: name });
    return { project: 'portal', environment, services: SERVICES, session: openSession(environment) };
  }

  const states = (findings: Record<string, Finding>) =>
    Object.fromEntries(Object.values(findings).map(({ check, state }) => [check, state]));

  async function network(zones = ['a', 'b']): Promise<Extract<AwsNetwork, { kind: 'existing' }>> {
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/16' }));
    const vpcId = Vpc?.VpcId ?? '';
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, EnableDnsHostnames: { Value: true } }));
    const subnets: string[] = [];
    for (const zone of zones) {
      const AvailabilityZone = `${REGION}${zone}`;
      const CidrBlock = `10.9.${subnets.length}.0/24`;
      const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock, AvailabilityZone }));
      subnets.push(Subnet?.SubnetId ?? '');
    }
    return { kind: 'existing', vpcId, workerSubnets: subnets, hostSubnets: subnets };
  }

  async function mainTable(vpcId: string): Promise<string> {
    const { RouteTables } = await ec2.send(
      new DescribeRouteTablesCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] }),
    );
    return RouteTables?.[0]?.RouteTableId ?? '';
  }

  async function endpoint(vpcId: string): Promise<void> {
    const ServiceName = `com.amazonaws.${REGION}.s3`;
    const RouteTableIds = [await mainTable(vpcId)];
    await ec2.send(
      new CreateVpcEndpointCommand({ VpcId: vpcId, ServiceName, RouteTableIds, VpcEndpointType: 'Gateway' }),
    );
  }

  test('all is well in an account that nothing is in yet', async () => {
    await region.quotas({ 'ec2/L-1216C47A': 32 });
    const findings = await examined({ account: '123456789012' });
    expect(states(findings)).toEqual({
      packages: 'ok',
      clock: 'ok',
      credentials: 'ok',
      region: 'ok',
      foundation: 'ok',
      data: 'ok',
      infrastructure: 'ok',
      image: 'ok',
      'instance types': 'ok',
      VPCs: 'ok',
      'Elastic IPs': 'ok',
      vCPUs: 'ok',
    });
    expect(findings.credentials?.found).toBe(
      'arn:aws:sts::123456789012:user/moto of account 123456789012, to which the environment is pinned.',
    );
    expect(findings['instance types']?.found).toBe(
      'm7i.large and t3.medium are offered in eu-central-1a and eu-central-1b.',
    );
    expect(findings['Elastic IPs']?.found).toBe(
      '0 of 5 Elastic IPs are in use, and 1 more is needed for NAT gateways.',
    );
  });

  test.each([
    ['postgres', '16', {}, 'ok', 'RDS offers postgres 16 in class db.t4g.medium, supported until 2029-02-28.'],
    ['mysql', '8.4', {}, 'ok', 'RDS offers mysql 8.4 in class db.t4g.medium, supported until 2029-07-31.'],
    ['mysql', '8.0', {}, 'failed', "RDS' standard support of mysql 8.0 ended on 2026-07-31, and it would refuse"],
    ['postgres', '9', {}, 'failed', 'RDS offers no postgres 9 in eu-central-1.'],
    ['postgres', '16.99', {}, 'failed', 'RDS offers postgres 16.99 not in class db.t4g.medium in eu-central-1.'],
    ['postgres', '16', { database: 'db.x1.moon' }, 'failed', 'RDS offers postgres 16 not in class db.x1.moon'],
    ['postgres', '14', {}, 'warning', "RDS' standard support of postgres 14 ends on 2027-02-28."],
  ] as const)('%s %s as a database: %o', async (engine, version, types, state, found) => {
    const services = { ...SERVICES, database: { engine, version } };
    const { instanceTypes } = environmentWith({});
    // Since the clock is compared with AWS' own, only the calendar of the database is another one.
    const { database } = await examined(
      { instanceTypes: { ...instanceTypes, ...types } },
      { services, now: () => Date.parse('2026-11-25') },
    );
    expect(database).toMatchObject({ state, found: expect.stringContaining(found) });
  });

  describe('of quotas', () => {
    test('VPCs that are used up are a failure, with the command that asks for more', async () => {
      for (const third of [1, 2, 3, 4]) await ec2.send(new CreateVpcCommand({ CidrBlock: `10.${third}.0.0/16` }));
      const { VPCs } = await examined();
      expect(VPCs).toEqual({
        check: 'VPCs',
        state: 'failed',
        found: '5 of 5 VPCs are in use, and 1 more is needed for this environment.',
        remedy:
          'Have the quota raised (`aws service-quotas request-service-quota-increase --service-code vpc --quota-code L-F678F1CE --desired-value 6 --region eu-central-1`), or free some.',
      });
    });

    test('a VPC that is ours already is not counted again', async () => {
      const Tags = [
        { Key: 'prestage:project', Value: 'portal' },
        { Key: 'prestage:environment', Value: 'dev' },
      ];
      await ec2.send(
        new CreateVpcCommand({ CidrBlock: '10.1.0.0/16', TagSpecifications: [{ ResourceType: 'vpc', Tags }] }),
      );
      expect((await examined()).VPCs?.found).toBe('2 of 5 VPCs are in use, and no more are needed.');
    });

    test('vCPUs are counted of all standard instances that run, and of a roll-out of all hosts', async () => {
      const launch = (InstanceType: 't3.large' | 'g5.xlarge') =>
        ec2.send(new RunInstancesCommand({ MinCount: 1, MaxCount: 1, ImageId: 'ami-12345678', InstanceType }));
      await Promise.all([launch('t3.large'), launch('g5.xlarge')]);
      const services = { services: [{ ...service, name: 'api', count: 4 }] };
      const { vCPUs } = await examined({}, { services });
      expect(vCPUs).toMatchObject({
        state: 'failed',
        found:
          '2 of 5 vCPUs of standard instances are in use, and 8 more are needed for a roll-out, which makes new hosts before it removes old ones.',
      });
    });

    test('NAT gateways per zone need an address each, and none need none', async () => {
      await region.quotas({ 'ec2/L-0263D0A3': 1 });
      const own = (nat: 'none' | 'per-zone') => ({ network: { kind: 'own' as const, cidr: '10.20.0.0/16', nat } });
      expect((await examined(own('per-zone')))['Elastic IPs']).toMatchObject({
        state: 'failed',
        found: '0 of 1 Elastic IPs are in use, and 2 more are needed for NAT gateways.',
      });
      expect((await examined(own('none')))['Elastic IPs']).toBeUndefined();
    });

    test('who may not look at quotas is told what is used, as a warning', async () => {
      await region.faults({ service: 'servicequotas', effect: 'denied' });
      expect((await examined()).VPCs).toMatchObject({
        state: 'warning',
        found:
          '1 VPCs are in use, and 1 more is needed for this environment. How many there may be is not known: servicequotas:GetServiceQuota is not allowed.',
      });
    });
  });

  describe('of credentials', () => {
    test('another account than the pinned one is a failure, and nothing is asked of that account', async () => {
      const before = (await region.calls()).length;
      const findings = await examined({ account: '210987654321' });
      expect(findings.credentials).toMatchObject({
        state: 'failed',
        found: 'These credentials are of account 123456789012, and environment dev is pinned to account 210987654321.',
      });
      expect(findings.VPCs).toEqual({ check: 'VPCs', state: 'skipped', found: 'It needs: credentials.' });
      const asked = (await region.calls()).slice(before).map(({ action }) => action);
      expect(asked.sort()).toEqual(['DescribeRegions', 'GetCallerIdentity']);
    });

    test('expired ones are one failure, not one for each check, and the rest is still looked at', async () => {
      await region.faults({ effect: 'expired' });
      const findings = await examined();
      expect(findings.credentials).toMatchObject({
        state: 'failed',
        found: expect.stringContaining('the AWS credentials have expired'),
        remedy: expect.stringContaining('aws sso login'),
      });
      const { packages, clock, ...others } = states(findings);
      expect([packages, clock]).toEqual(['ok', 'ok']);
      const { credentials: _, ...rest } = others;
      expect(new Set(Object.values(rest))).toEqual(new Set(['skipped']));
    });

    test('those that expire soon are a warning', async () => {
      vi.stubEnv('AWS_SESSION_TOKEN', 'a-token');
      vi.stubEnv('AWS_CREDENTIAL_EXPIRATION', new Date(Date.now() + 10 * 60_000).toISOString());
      expect((await examined()).credentials).toMatchObject({
        state: 'warning',
        found: expect.stringContaining('The credentials expire in 10 minutes'),
      });
    });

    test('one that a check may not do fails that check alone, and names the permission', async () => {
      await region.faults({ service: 'ssm', effect: 'denied' });
      const findings = await examined();
      expect(findings.image).toMatchObject({ state: 'failed', remedy: expect.stringContaining('ssm:GetParameter') });
      expect(findings['instance types']?.state).toBe('ok');
    });
  });

  describe('secrets of services', () => {
    const secrets = {
      DB_PASSWORD: { kind: 'secret', name: 'portal/db', key: 'password' },
      TOKEN: { kind: 'parameter', name: '/portal/token' },
      PLAIN: { kind: 'parameter', name: 'plain' },
    } as const;
    const services: ServicesPlan = { services: [{ ...service, name: 'api', count: 1, secrets }] };

    test('that are there are well, and none of their values is asked for', async () => {
      const manager = new SecretsManagerClient();
      const ssm = new SSMClient();
      const { ARN } = await manager.send(
        new CreateSecretCommand({ Name: 'portal/db', SecretString: '{"password":"x"}' }),
      );
      for (const [Name, Type] of [
        ['/portal/token', 'SecureString'],
        ['plain', 'String'],
      ] as const)
        await ssm.send(new PutParameterCommand({ Name, Type, Value: 'x' }));
      const before = (await region.calls()).length;
      const byArn = { DB_PASSWORD: { ...secrets.DB_PASSWORD, name: ARN ?? '' } };
      for (const each of [secrets, byArn])
        expect(
          (await examined({}, { services: { services: [{ ...service, name: 'api', count: 1, secrets: each }] } }))
            .secrets,
        ).toMatchObject({
          state: 'ok',
        });
      const asked = (await region.calls()).slice(before).map(({ service, action }) => `${service}:${action}`);
      expect(asked).toContain('secretsmanager:DescribeSecret');
      expect(asked).toContain('ssm:DescribeParameters');
      expect(asked).not.toContain('secretsmanager:GetSecretValue');
    });

    test('that are not there, or end soon, are a failure that names each', async () => {
      const manager = new SecretsManagerClient();
      expect((await examined({}, { services })).secrets).toEqual({
        check: 'secrets',
        state: 'failed',
        found:
          'DB_PASSWORD of api is the secret portal/db, and there is none of that name in eu-central-1. ' +
          'TOKEN of api is the parameter /portal/token, and there is none of that name in eu-central-1. ' +
          'PLAIN of api is the parameter plain, and there is none of that name in eu-central-1.',
        remedy: 'Make what is missing, or correct its name: a host that cannot read it does not start.',
      });
      await manager.send(new CreateSecretCommand({ Name: 'portal/db', SecretString: 'x' }));
      await manager.send(new DeleteSecretCommand({ SecretId: 'portal/db' }));
      expect((await examined({}, { services })).secrets?.found).toContain(
        'portal/db, and it is scheduled for deletion.',
      );
    });

    test('that may not be looked at are a warning', async () => {
      await region.faults({ service: 'secretsmanager', effect: 'denied' });
      const only = { DB_PASSWORD: secrets.DB_PASSWORD };
      const { secrets: found } = await examined(
        {},
        { services: { services: [{ ...service, name: 'api', count: 1, secrets: only }] } },
      );
      expect(found).toMatchObject({
        state: 'warning',
        found: expect.stringContaining(
          'whether it is there cannot be known: secretsmanager:DescribeSecret of portal/db',
        ),
      });
    });
  });

  test.each([
    [0, 'ok', 'The clock agrees with that of AWS.'],
    [
      120_000,
      'warning',
      'The clock of this machine is 2 minutes ahead of that of AWS. From 5 minutes on, requests are refused.',
    ],
    [
      -420_000,
      'failed',
      'The clock of this machine is 7 minutes behind that of AWS. AWS refuses requests that are signed with it.',
    ],
  ])('a clock that is %i ms off is %s', async (offMs, state, found) => {
    const { clock } = await examined({}, { now: () => Date.now() + offMs });
    expect(clock).toMatchObject({ state, found });
  });

  test('where AWS cannot be reached, the clock says so', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${await freePort()}`);
    const [clock] = await runChecks([{ name: 'clock', run: (signal) => checkClock(sessionIn(REGION), { signal }) }], {
      signal,
    });
    expect(clock).toMatchObject({
      state: 'failed',
      found: expect.stringMatching(/^A look at the clock of 127\.0\.0\.1:\d+: AWS did not answer \(.*ECONNREFUSED/),
    });
  });

  test('a region that does not exist is told as such', async () => {
    await expect(checkRegion(sessionIn('eu-nowhere-1'), signal)).resolves.toMatchObject({
      state: 'failed',
      found: 'There is no region eu-nowhere-1.',
    });
  });

  test('a region without the parameter of the image is a failure', async () => {
    await expect(checkImage(sessionIn('us-gov-west-1'), signal)).resolves.toMatchObject({
      state: 'failed',
      found: expect.stringContaining('AWS names no image of Amazon Linux 2023 in us-gov-west-1'),
    });
  });

  test.each([
    ['t3.nothing', 'There is no instance type t3.nothing in eu-central-1.'],
    ['t4g.medium', 't4g.medium cannot run an image for x86-64, which is what machines are started from.'],
  ])('hosts of type %s cannot be', async (hosts, found) => {
    const { instanceTypes } = normalizeAwsEnvironment('dev', { target: 'aws', region: REGION });
    const findings = await examined({ instanceTypes: { ...instanceTypes, hosts } });
    expect(findings['instance types']).toMatchObject({ state: 'failed', found });
  });

  test.each([
    ['CREATE_COMPLETE', 'ok'],
    ['UPDATE_IN_PROGRESS', 'warning'],
    ['ROLLBACK_COMPLETE', 'warning'],
    ['UPDATE_ROLLBACK_FAILED', 'warning'],
    ['DELETE_FAILED', 'failed'],
  ])('a stack in %s is %s', async (status, state) => {
    const name = `a-stack-in-${status}`;
    await region.putStack(name, status, 'Because.');
    const verdict = await checkStack(sessionIn(REGION), name);
    expect(verdict).toMatchObject({ state, found: `Stack ${name} is in ${status}: Because.` });
  });

  describe('of a VPC that is there', () => {
    test('all is well with names, two zones and a gateway endpoint', async () => {
      const existing = await network();
      await endpoint(existing.vpcId);
      const findings = await examined({ network: existing });
      expect(states(findings)).toMatchObject({ VPC: 'ok', subnets: 'ok', 'way to S3': 'ok', 'instance types': 'ok' });
      expect(findings['way to S3']?.found).toMatch(/^S3 is reached by the gateway endpoint vpce-\w+\.$/);
      expect(findings.VPCs).toBeUndefined();
    });

    test('without a way to S3, it says in which subnets, and how to make one', async () => {
      const existing = await network();
      const findings = await examined({ network: existing });
      expect(findings['way to S3']).toMatchObject({
        state: 'failed',
        found: expect.stringContaining(`Machines in ${existing.workerSubnets.join(' and ')} cannot reach S3`),
        remedy: expect.stringContaining(`--route-table-ids ${await mainTable(existing.vpcId)}`),
      });
    });

    test('an internet gateway is no way for machines without a public address', async () => {
      const existing = await network();
      const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
      await ec2.send(
        new CreateRouteCommand({
          RouteTableId: await mainTable(existing.vpcId),
          DestinationCidrBlock: '0.0.0.0/0',
          GatewayId: InternetGateway?.InternetGatewayId,
        }),
      );
      expect((await examined({ network: existing }))['way to S3']?.state).toBe('failed');
    });

    test('names that are not resolved are a failure, with the command that switches them on', async () => {
      const existing = await network();
      await ec2.send(new ModifyVpcAttributeCommand({ VpcId: existing.vpcId, EnableDnsHostnames: { Value: false } }));
      expect((await examined({ network: existing })).VPC).toMatchObject({
        state: 'failed',
        found: expect.stringContaining('dns-hostnames switched off'),
        remedy: expect.stringContaining('modify-vpc-attribute'),
      });
    });

    test('subnets that are missing, elsewhere or in one zone are told all at once', async () => {
      const [one, other] = [await network(['a', 'a']), await network(['b'])];
      const workerSubnets = [...one.workerSubnets, ...other.workerSubnets, 'subnet-0123456789abcdef0'];
      const findings = await examined({ network: { ...one, workerSubnets } });
      expect(findings.subnets?.found).toBe(
        [
          'There is no subnet subnet-0123456789abcdef0 in eu-central-1.',
          `Subnet ${other.workerSubnets[0]} is in VPC ${other.vpcId}, not in ${one.vpcId}.`,
          `${one.workerSubnets.join(' and ')} of workerSubnets are all in eu-central-1a.`,
          `${one.workerSubnets.join(' and ')} of hostSubnets are all in eu-central-1a.`,
        ].join(' '),
      );
      expect(findings['way to S3']).toMatchObject({ state: 'skipped', found: 'It needs: subnets.' });
    });
  });

  describe('of a file system that is there', () => {
    async function fileSystem(subnets: string[] = [], policy?: object): Promise<string> {
      const { FileSystemId = '' } = await efs.send(
        new CreateFileSystemCommand({ CreationToken: String(Math.random()) }),
      );
      for (const SubnetId of subnets) await efs.send(new CreateMountTargetCommand({ FileSystemId, SubnetId }));
      if (policy) await efs.send(new PutFileSystemPolicyCommand({ FileSystemId, Policy: JSON.stringify(policy) }));
      return FileSystemId;
    }
    const denied = (Condition: object, more: object = {}) => ({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Principal: { AWS: '*' }, Action: '*', Condition, ...more }],
    });

    test('all is well with a mount target in each zone and a policy that demands TLS', async () => {
      const existing = await network();
      const id = await fileSystem(existing.workerSubnets, denied({ Bool: { 'aws:SecureTransport': 'false' } }));
      const findings = await examined({ network: existing, fileSystemId: id });
      expect(states(findings)).toMatchObject({ 'file system': 'ok', 'mount targets': 'ok', 'mount policy': 'ok' });
      expect(findings['mount policy']?.found).toBe(`The policy of ${id} keeps no machine of ours out. It demands TLS.`);
    });

    test('a zone without a mount target is a failure, with the command that makes one', async () => {
      const existing = await network();
      const [first = '', second = ''] = existing.workerSubnets;
      const id = await fileSystem([first]);
      expect((await examined({ network: existing, fileSystemId: id }))['mount targets']).toEqual({
        check: 'mount targets',
        state: 'failed',
        found: `File system ${id} has no mount target in eu-central-1b, where machines are to mount it.`,
        remedy: `Make one: \`aws efs create-mount-target --file-system-id ${id} --subnet-id ${second} --region eu-central-1\`.`,
      });
    });

    test('mount targets in another VPC are a failure that names that VPC', async () => {
      const [here, there] = [await network(), await network()];
      const id = await fileSystem(there.workerSubnets);
      expect((await examined({ network: here, fileSystemId: id }))['mount targets']?.found).toBe(
        `The mount targets of ${id} are in VPC ${there.vpcId}, and machines are to run in ${here.vpcId}.`,
      );
    });

    test('a policy that denies more is a warning with its statement, and none at all is one too', async () => {
      const existing = await network();
      const strict = denied({ StringNotLike: { 'aws:PrincipalArn': '*/ops' } }, { Sid: 'OnlyOps' });
      const some = await fileSystem(existing.workerSubnets, strict);
      const none = await fileSystem(existing.workerSubnets);
      const policyOf = async (fileSystemId: string) =>
        (await examined({ network: existing, fileSystemId }))['mount policy'];
      expect(await policyOf(some)).toMatchObject({
        state: 'warning',
        found: `The policy of ${some} denies more than plain connections: OnlyOps.`,
      });
      expect(await policyOf(none)).toMatchObject({ state: 'warning', found: expect.stringContaining('has no policy') });
    });

    test('one that does not exist is told once', async () => {
      const findings = await examined({ network: await network(), fileSystemId: 'fs-0123456789abcdef0' });
      expect(findings['file system']?.found).toBe('There is no file system fs-0123456789abcdef0 in eu-central-1.');
      expect(findings['mount targets']?.state).toBe('skipped');
    });
  });
});
