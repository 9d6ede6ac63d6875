import { gunzipSync } from 'node:zlib';
import { BootstraplessSynthesizer } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
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
  OWN_NETWORK,
  SERVICES,
  SOME_DATA,
  someInfrastructure,
} from '../../../../test/aws/template-inputs.js';
import { lacks } from '../../../../test/requirements.js';
import type { Template } from '../cloudformation/stack-state.js';
import { buildInfrastructure, synthesizeInfrastructure } from './infrastructure.js';
import type { InfrastructureInputs } from './inputs.js';
import { synthesize } from './synthesize.js';

const VARIANTS: Record<string, InfrastructureInputs> = {
  'one NAT gateway and a PostgreSQL': someInfrastructure(),
  'ha, a NAT gateway for each zone and a MySQL': someInfrastructure({
    ha: true,
    network: { ...OWN_NETWORK, nat: 'per-zone' },
    services: { services: SERVICES, database: { engine: 'mysql', version: '8.4' }, dnsZone: 'portal.internal' },
  }),
  'no way to the internet': someInfrastructure({ network: { ...OWN_NETWORK, nat: 'none' } }),
  'a network that is there': someInfrastructure({ network: EXISTING_NETWORK }),
  'a network in one zone': someInfrastructure({ network: ONE_ZONE, services: { services: SERVICES }, data: undefined }),
  'no database': someInfrastructure({ services: { services: SERVICES }, data: undefined }),
};

const EXCEPTIONS: Exception[] = [
  { id: 'AwsSolutions-EC28', reason: 'Detailed monitoring costs for each host; who wants it turns it on' },
  {
    id: 'AwsSolutions-EC29',
    reason: 'Hosts are replaced by deployments, which a protection from termination would stop',
  },
  { id: 'AwsSolutions-ELB2', reason: 'A network load balancer logs TLS alone, which it does not end here' },
  {
    id: 'AwsSolutions-IAM5',
    reason: "Objects lie under hosts' and releases' names; session manager knows no narrower resource",
    appliesTo: [{ regex: '/^Resource::(\\*|arn:<AWS::Partition>:s3:::.*\\*)$/g' }],
  },
];

describe.each(Object.entries(VARIANTS))('the infrastructure with %s', (_, inputs) => {
  test('is this template, always', () => {
    const { template } = synthesizeInfrastructure(inputs);
    expect(withoutScripts(template)).toMatchSnapshot();
    expect(JSON.stringify(synthesizeInfrastructure(inputs).template)).toBe(JSON.stringify(template));
  });

  test('follows the AWS Solutions rules', () => {
    expect(findingsOf((stack) => buildInfrastructure(stack, inputs), EXCEPTIONS)).toEqual([]);
  });

  test.skipIf(lacks('cfnLint'))('passes cfn-lint', async () => {
    expect(await lintOf(synthesizeInfrastructure(inputs).template)).toBe('');
  });
});

/** User data has tests of its own, and the digest of it that is in names changes with every word of it. */
function withoutScripts(template: Template): unknown {
  const names = Object.keys(template.Resources).filter((name) => /^Host.*[0-9a-f]{8}$/.test(name));
  let text = JSON.stringify(template, (key, value) => (key === 'UserData' ? 'script' : value));
  for (const name of names) text = text.replaceAll(name, `${name.slice(0, -8)}DIGEST`);
  return JSON.parse(text);
}

const of = (change: Partial<InfrastructureInputs> = {}) =>
  synthesizeInfrastructure(someInfrastructure(change)).template;
const ids = (template: Template, pattern: RegExp) => Object.keys(template.Resources).filter((id) => pattern.test(id));
const instances = (template: Template) =>
  Object.entries(template.Resources)
    .flatMap(([id, { Type }]) => (Type === 'AWS::EC2::Instance' ? [id] : []))
    .sort();

/** The user data of a host, with what is packed in it. */
function scriptOf(template: Template, host: RegExp): string {
  const [id = ''] = ids(template, host);
  const { UserData } = propertiesOf<{ UserData: { 'Fn::Base64': unknown } }>(template, id);
  const text = String(asText(UserData['Fn::Base64']));
  return text.replace(/eval "\$\(echo (\S+) .*/, (_, packed: string) =>
    gunzipSync(Buffer.from(packed, 'base64')).toString(),
  );
}

test('a host of a service may say how it goes, read the store and its secret, and be reached by session manager', () => {
  expect(asText(statementsOf(of(), ids(of(), /^RoleOrderApi/)[0] ?? ''))).toEqual([
    {
      Sid: 'Report',
      Effect: 'Allow',
      Action: ['s3:PutObject'],
      Resource: ['arn:<AWS::Partition>:s3:::prestage-portal-dev-1a2b3c4d/hosts/order-api-*'],
    },
    {
      Sid: 'Mount',
      Effect: 'Allow',
      Action: ['elasticfilesystem:ClientMount'],
      Resource: ['arn:<AWS::Partition>:elasticfilesystem:eu-central-1:123456789012:file-system/fs-0a1b2c3d4e5f60718'],
      Condition: {
        StringEquals: {
          'elasticfilesystem:AccessPointArn':
            'arn:<AWS::Partition>:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0a1b2c3d4e5f60712',
        },
        Bool: { 'aws:SecureTransport': 'true' },
      },
    },
    {
      Sid: 'DatabaseSecret',
      Effect: 'Allow',
      Action: ['secretsmanager:GetSecretValue'],
      Resource: [SOME_DATA.DatabaseSecretArn],
    },
    {
      Sid: 'DatabaseCertificates',
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: ['arn:<AWS::Partition>:s3:::prestage-portal-dev-1a2b3c4d/certificates/*'],
    },
    {
      Sid: 'SessionManager',
      Effect: 'Allow',
      Action: [
        'ssm:UpdateInstanceInformation',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
      ],
      Resource: ['*'],
    },
  ]);
});

test('the jump host may besides do the work of a worker, and says how it goes under a name of its own', () => {
  const statements = statementsOf(of({ sourceBuckets: ['team-files'] }), 'RoleJump');
  expect(statements.map(({ Sid }) => Sid)).toEqual([
    'Report',
    'Mount',
    'ReadFiles',
    'TellOfTheRun',
    'TellOfTheStore',
    'ListTheStore',
    'DatabaseSecret',
    'DatabaseCertificates',
    'SessionManager',
  ]);
  expect(JSON.stringify(asText(statements))).toContain('s3:::team-files/*');
  expect(String(asText(statements.find(({ Sid }) => Sid === 'TellOfTheRun')?.Resource))).toMatch(
    /\/fallbacks\/runs\/\*$/,
  );
  expect(statements.find(({ Sid }) => Sid === 'Mount')?.Action).toContain('elasticfilesystem:ClientWrite');
});

test('a host begins when those that it comes after are healthy, and a name moves to it when it is', () => {
  const template = of();
  const [web = ''] = ids(template, /^HostWeb0[0-9a-f]{12}$/);
  const healthy = ids(template, /^HostOrderApi.*Healthy$/);
  expect(healthy).toHaveLength(2);
  expect(template.Resources[web]?.DependsOn).toEqual(expect.arrayContaining(healthy));
  expect(template.Resources.NameWeb?.DependsOn).toEqual(ids(template, /^HostWeb.*Healthy$/));
});

test('a database lets the hosts in, and another one is other hosts', () => {
  const template = of();
  expect(asText(propertiesOf(template, 'DatabaseHosts'))).toMatchObject({
    GroupId: SOME_DATA.DatabaseGroupId,
    FromPort: 5432,
    SourceSecurityGroupId: '<HostsGroup.GroupId>',
  });
  const other = of({ data: { ...SOME_DATA, DatabaseSecretArn: `${SOME_DATA.DatabaseSecretArn}2` } });
  expect(instances(other).filter((id) => instances(template).includes(id))).toEqual([]);
});

test('another release is other hosts, and nothing else of the hosts changes them', () => {
  const before = of();
  expect(instances(of({ sourceBuckets: ['team-files'] }))).toEqual(instances(before));
  const { release } = someInfrastructure();
  const after = of({ release: { ...release, release: '1111111111111111' } });
  expect(instances(after).filter((id) => instances(before).includes(id))).toEqual([]);
});

test('a host that is made again is another one, and the only one', () => {
  const before = instances(of());
  const after = instances(of({ generations: { 'order-api-1': 1 } }));
  const again = instances(of({ generations: { 'order-api-1': 2 } }));
  const changed = (ids: string[]) => ids.filter((id) => !before.includes(id)).map((id) => id.slice(0, -8));
  expect(changed(after)).toEqual([expect.stringMatching(/^HostOrderApi1/)]);
  expect(changed(again)).toEqual(changed(after));
  expect(again).not.toEqual(after);
});

test('one more service leaves the hosts of the others where they are, but for what they are told of it', () => {
  const zones = (template: Template) =>
    Object.fromEntries(
      instances(template).map((id) => [id.slice(0, -8), template.Resources[id]?.Properties?.SubnetId]),
    );
  const more = { ...SERVICES[0], name: 'audit', role: 'service' as const } as (typeof SERVICES)[number];
  const after = zones(of({ services: { services: [...SERVICES, more] } }));
  expect(after).toMatchObject(zones(of({ services: { services: SERVICES }, data: undefined })));
});

test('hosts know the others by names, and their files by what they need', () => {
  const script = scriptOf(of(), /^HostWeb0[0-9a-f]{12}$/);
  for (const line of [
    "export PRESTAGE_RELEASE='5c1d9a0b7e3f2468'",
    "export PRESTAGE_ROOT='/mnt/prestage/releases/5c1d9a0b7e3f2468'",
    "export PRESTAGE_ORDER_API_HOST='order-api.portal-dev.internal'",
    "export PRESTAGE_ORDER_API_HOSTS='order-api-0.portal-dev.internal:8080,order-api-1.portal-dev.internal:8080'",
    "NOT_READY='wait'",
    "SIGNAL_URL='<HostWeb0",
    `DATABASE_SECRET='${SOME_DATA.DatabaseSecretArn}'`,
  ])
    expect(script).toContain(line);
  expect(script).toContain("printf '%s\\n' 'opt/app' 'opt/tools'");
  expect(scriptOf(of(), /^HostOrderApi0[0-9a-f]+$/)).toContain("printf '%s\\n' 'opt/app'");
  expect(scriptOf(of(), /^HostJump0[0-9a-f]{12}$/)).toContain("NOT_READY='prepare'");
});

test('where nobody prepares what is not ready, a host says so at once', () => {
  const services = { services: [{ ...SERVICES[2], after: [] } as (typeof SERVICES)[number]] };
  expect(scriptOf(of({ services }), /^HostWeb0[0-9a-f]{12}$/)).toContain("NOT_READY='fail'");
});

test('a host that may take long to become healthy is waited for as long as CloudFormation does at most', () => {
  const timeouts = (timeoutMs: number) => {
    const service = {
      ...SERVICES[2],
      after: [],
      health: { kind: 'tcp' as const, timeoutMs },
    } as (typeof SERVICES)[number];
    const template = of({ services: { services: [service] } });
    return ids(template, /Healthy$/).map((id) => propertiesOf<{ Timeout: string }>(template, id).Timeout);
  };
  expect(timeouts(120_000)).toEqual(['11520']);
  expect(timeouts(24 * 3_600_000)).toEqual(['43200']);
});

test('more hosts than CloudFormation takes resources are an error of the configuration', () => {
  const service = { ...SERVICES[2], after: [], count: 130 } as (typeof SERVICES)[number];
  const message = /would have \d{3} resources for 130 hosts, and CloudFormation takes 500 resources/;
  expect(() => of({ services: { services: [service] } })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
  );
});

test('a template that is larger than CloudFormation takes is an error of the configuration', () => {
  const { scope } = someInfrastructure();
  const build = (bytes: number) => () =>
    synthesize({
      ...{ scope, stackName: 'large', synthesizer: new BootstraplessSynthesizer() },
      build: (stack) => {
        stack.templateOptions.metadata = { Text: 'x'.repeat(bytes) };
      },
    });
  expect(build(990_000)).not.toThrow();
  expect(build(1_000_001)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(/a template of \d{7} bytes/) }),
  );
});

test('a role of a service with a long name has a name that IAM takes, and that the file system lets in', () => {
  const long = {
    ...SERVICES[2],
    name: 'a-service-with-a-name-of-fifty-characters-and-more-of-it',
    after: [],
  } as (typeof SERVICES)[number];
  const template = of({ services: { services: [long] } });
  const role = Object.values(template.Resources).find(({ Type }) => Type === 'AWS::IAM::Role');
  expect(role?.Properties?.RoleName).toMatch(/^prestage-portal-dev-[0-9a-f]{8}-host-.{1,30}$/);
});
