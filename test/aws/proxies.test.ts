import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { DescribeFileSystemsCommand } from '@aws-sdk/client-efs';
import { DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { beforeEach, expect, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import { openSession, type Session } from '../../src/targets/aws/api/session.js';
import { cdkToolkit } from '../../src/targets/aws/cloudformation/toolkit.js';
import { checkClock } from '../../src/targets/aws/doctor/clock.js';
import { checkRegion } from '../../src/targets/aws/doctor/credentials.js';
import { proxyServer } from '../proxy-server.js';

const ROLE = 'arn:aws:iam::123456789012:role/deployer';
const signal = new AbortController().signal;

/** A proxy that refuses every tunnel, and so sees who wants to go where. */
async function refusing() {
  const proxy = await proxyServer({ refusal: '403 Forbidden' });
  vi.stubEnv('HTTPS_PROXY', `http://me:sesame@${proxy.address}`);
  return proxy;
}

beforeEach(() => {
  for (const name of [
    'https_proxy',
    'all_proxy',
    'ALL_PROXY',
    'no_proxy',
    'NO_PROXY',
    'AWS_ENDPOINT_URL',
    'AWS_PROFILE',
  ])
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATESTKEY');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-secret-of-tests');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
  return () => vi.unstubAllEnvs();
});

const environment = (more: { assumeRole?: string } = {}) =>
  normalizeAwsEnvironment('dev', { target: 'aws', region: 'eu-central-1', ...more });

const examined = (session: Session) => ({
  project: 'portal',
  environment: session.environment,
  services: { services: [] },
  session,
});

test.each<[string, string, (session: Session) => Promise<unknown>]>([
  ['the account', 'sts.eu-central-1', (session) => session.account()],
  ['stacks', 'cloudformation.eu-central-1', ({ cloudFormation: it }) => it.send(new DescribeStacksCommand({}))],
  ['instances', 'ec2.eu-central-1', ({ ec2 }) => ec2.send(new DescribeInstancesCommand({}))],
  ['file systems', 'elasticfilesystem.eu-central-1', ({ efs }) => efs.send(new DescribeFileSystemsCommand({}))],
  ['databases', 'rds.eu-central-1', ({ rds }) => rds.send(new DescribeDBInstancesCommand({}))],
  ['buckets', 's3.eu-central-1', ({ s3 }) => s3.send(new ListBucketsCommand({}))],
  ['the image', 'ssm.eu-central-1', ({ ssm }) => ssm.send(new GetParameterCommand({ Name: 'it' }))],
  ['the clock', 'ssm.eu-central-1', (session) => checkClock(examined(session), { signal })],
  ['regions', 'ec2.us-east-1', (session) => checkRegion(examined(session), signal).then((it) => Promise.reject(it))],
])(
  '%s: AWS is asked through the proxy of the environment, and its refusal is no reason to ask again',
  async (_, host, ask) => {
    const proxy = await refusing();
    await expect(ask(openSession(environment()))).rejects.toBeDefined();
    expect(proxy.asked).toEqual([`CONNECT ${host}.amazonaws.com:443`]);
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from('me:sesame').toString('base64')}`]);
  },
);

test('a role is assumed through the proxy of the environment', async () => {
  const proxy = await refusing();
  await expect(openSession(environment({ assumeRole: ROLE })).credentials()).rejects.toThrow();
  expect(proxy.asked).toEqual(['CONNECT sts.eu-central-1.amazonaws.com:443']);
});

test('the toolkit that deploys stacks asks through the proxy of the environment', async () => {
  const proxy = await refusing();
  const { synthesizeFoundation } = await import('../../src/targets/aws/foundation/stack.js');
  const { someFoundation } = await import('./template-inputs.js');
  const { directory } = synthesizeFoundation(someFoundation());
  const toolkit = await cdkToolkit(openSession(environment()), () => {});
  await expect(toolkit.deploy(directory)).rejects.toThrow();
  expect(proxy.asked).not.toEqual([]);
  for (const asked of proxy.asked) expect(asked).toMatch(/^CONNECT [a-z]+\.eu-central-1\.amazonaws\.com:443$/);
});

test('a proxy that refuses or is not there is named in the error, without its password', async () => {
  const proxy = await refusing();
  await expect(openSession(environment()).account()).rejects.toMatchObject({
    code: 'AWS_SETTINGS',
    message: `sts:GetCallerIdentity: the proxy http://${proxy.address} (HTTPS_PROXY) answered 403 (forbidden).`,
  });
  vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
  await expect(openSession(environment()).account()).rejects.toMatchObject({
    code: 'AWS_SETTINGS',
    message: expect.stringContaining('the proxy http://127.0.0.1:1 (HTTPS_PROXY) refused the connection'),
  });
});
