import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
import { synthesize } from '../cdk/synthesize.js';
import type { Template } from '../cloudformation/stack-state.js';
import { hostsOfTemplate } from '../hosts/template-hosts.js';
import { entryOutputs } from './entry-outputs.js';
import { neighboursOf } from './host-inputs.js';
import type { InfrastructureInputs } from './inputs.js';
import { buildInfrastructure, synthesizeInfrastructure } from './stack.js';

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
      Sid: 'Neighbours',
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: ['arn:<AWS::Partition>:s3:::prestage-portal-dev-1a2b3c4d/neighbours/order-api-*'],
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
    'Neighbours',
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
  const listener = ids(template, /^ListenerOrderApi/);
  expect(template.Resources[web]?.DependsOn).toEqual(expect.arrayContaining([...healthy, ...listener]));
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

const [jump, api, web] = SERVICES as [Service, Service, Service];
type Service = (typeof SERVICES)[number];
const more: Service = { ...jump, name: 'audit', role: 'service', run: 'boot/audit.sh', port: 9000 };
const release = { ...someInfrastructure().release, release: '1111111111111111' };
const withServices = (...services: Service[]) => ({ services: { ...someInfrastructure().services, services } });

test.each<[string, Partial<InfrastructureInputs>, string[]]>([
  ['another release', { release }, ['jump-0', 'order-api-0', 'order-api-1', 'web-0']],
  ['another image', { imageId: 'ami-0' }, ['jump-0', 'order-api-0', 'order-api-1', 'web-0']],
  ['one more host of a service', withServices(jump, { ...api, count: 3 }, web), []],
  ['one host less', withServices(jump, { ...api, count: 1 }, web), []],
  ['another port of a service', withServices(jump, api, { ...web, port: 8443 }), ['web-0']],
  [
    'another variable of a service',
    withServices(jump, { ...api, environment: {} }, web),
    ['order-api-0', 'order-api-1'],
  ],
  ['another check of a service', withServices(jump, api, { ...web, health: undefined }), ['web-0']],
  ['another order', withServices(jump, { ...api, after: [] }, web), []],
  ['one more service', withServices(jump, api, web, more), []],
  ['one service less', withServices(jump, api), []],
  ['a balancer before each service', { ha: true }, []],
  ['sources in other buckets', { sourceBuckets: ['team-files'] }, []],
])('%s replaces these hosts and no others', (_, change, replaced) => {
  const [before, after] = [hostsOfTemplate(of()), hostsOfTemplate(of(change))];
  const others = [...before].filter(([host, it]) => after.has(host) && after.get(host)?.resource !== it.resource);
  expect(others.map(([host]) => host)).toEqual(replaced);
});

test('a release is no tag of what stays as it is', () => {
  const tagged = Object.values(of().Resources).filter((it) => JSON.stringify(it).includes('prestage:release'));
  expect(new Set(tagged.map(({ Type }) => Type))).toEqual(new Set(['AWS::EC2::Instance']));
  const { directory } = synthesizeInfrastructure(someInfrastructure());
  expect(readFileSync(join(directory, 'manifest.json'), 'utf8')).not.toContain('prestage:release');
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

test('one more service leaves the hosts of the others where they are', () => {
  const zones = (template: Template) =>
    Object.fromEntries(
      instances(template).map((id) => [id.slice(0, -8), template.Resources[id]?.Properties?.SubnetId]),
    );
  const after = zones(of({ services: { services: [...SERVICES, more] } }));
  expect(after).toMatchObject(zones(of({ services: { services: SERVICES }, data: undefined })));
});

test('who is allowed is let in at the balancer, or at the hosts where there is none, and all are told where that is', () => {
  const sources = ({ Resources }: Template, group: RegExp) =>
    Object.entries(Resources).flatMap(
      ([id, { Properties: { CidrIp, SourcePrefixListId, SourceSecurityGroupId } = {} }]) =>
        group.test(id) ? [CidrIp ?? SourcePrefixListId ?? SourceSecurityGroupId] : [],
    );
  const balanced = of();
  expect(sources(balanced, /^AllowOrderApi/)).toEqual(api.allow);
  const [id = ''] = ids(balanced, /^AllowOrderApi/);
  expect(JSON.stringify(balanced.Resources[id]?.Properties?.GroupId)).toContain('BalancerGroupOrderApi');
  const single = of(withServices(jump, { ...api, count: 1 }, web));
  expect(JSON.stringify(single.Resources[id]?.Properties?.GroupId)).toContain('"GroupOrderApi');
  const { address, group, balancer } = entryOutputs('order-api');
  expect(balanced.Outputs).toMatchObject({ [address]: { Value: 'order-api.portal-dev.internal:8080' } });
  expect(Object.keys(balanced.Outputs ?? {})).toEqual(expect.arrayContaining([group, balancer]));
  expect(Object.keys(single.Outputs ?? {})).not.toContain(balancer);
});

test('hosts know the others by names, and their files by what they need', () => {
  const { variables, first } = neighboursOf('web', someInfrastructure());
  expect(first).toEqual([{ host: 'order-api.portal-dev.internal', port: 8080 }]);
  expect(variables).toMatchObject({
    PRESTAGE_ORDER_API_HOST: 'order-api.portal-dev.internal',
    PRESTAGE_ORDER_API_HOSTS: 'order-api-0.portal-dev.internal:8080,order-api-1.portal-dev.internal:8080',
    PRESTAGE_ORDER_API_PORT: '8080',
  });
  const script = scriptOf(of(), /^HostWeb0[0-9a-f]{12}$/);
  for (const line of [
    "export PRESTAGE_RELEASE='5c1d9a0b7e3f2468'",
    "export PRESTAGE_ROOT='/mnt/prestage/releases/5c1d9a0b7e3f2468'",
    "NEIGHBOURS_KEY='neighbours/web-0/HostWeb0",
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
