import { CreateStackCommand, DescribeStackEventsCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { StopInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import type { Template } from '../../src/targets/aws/cloudformation/stack-state.js';
import { type AwsContext, openContext } from '../../src/targets/aws/environment/context.js';
import { infrastructureStackName, TAGS } from '../../src/targets/aws/environment/names.js';
import { everyHost } from '../../src/targets/aws/hosts/every-host.js';
import { followHosts } from '../../src/targets/aws/hosts/follow-hosts.js';
import { lacks } from '../requirements.js';
import { until } from '../until.js';
import { newBucket } from './bucket.js';
import { type Region, startRegion } from './region.js';

/** An instance that never says anything, with the wait condition of a host. There are no machines here. */
function templateOf(environment: string): Template {
  const tag = (Key: string, Value: string) => ({ Key, Value });
  return {
    Resources: {
      HostApi0: {
        Type: 'AWS::EC2::Instance',
        Properties: {
          ImageId: 'ami-12345678',
          InstanceType: 't3.medium',
          Tags: [
            tag(TAGS.project, 'sample'),
            tag(TAGS.environment, environment),
            tag(TAGS.host, 'api-0'),
            tag(TAGS.release, 'r1'),
          ],
        },
      },
      HostApi0Signal: { Type: 'AWS::CloudFormation::WaitConditionHandle', Properties: {} },
      HostApi0Healthy: {
        Type: 'AWS::CloudFormation::WaitCondition',
        DependsOn: ['HostApi0'],
        Properties: { Handle: { Ref: 'HostApi0Signal' }, Timeout: '11460' },
      },
    },
  } as Template;
}

describe.skipIf(lacks('moto'))('a host that never says anything', () => {
  let region: Region;
  beforeAll(async () => {
    region = await startRegion();
    for (const [key, value] of Object.entries(region.env)) vi.stubEnv(key, value);
  }, 60_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await region?.stop();
  });

  /** Makes the stack, does `then` with its instance, and follows its host until CloudFormation has ended. */
  async function follow(
    environment: string,
    silentMs: number,
    then: (context: AwsContext, id: string) => Promise<unknown>,
  ) {
    const context = openContext('sample', normalizeAwsEnvironment(environment, { target: 'aws', region: region.name }));
    const { cloudFormation } = context.session;
    const scope = await context.scope();
    const StackName = infrastructureStackName(scope);
    const template = templateOf(environment);
    await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(template) }));
    const status = async () =>
      (await cloudFormation.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0]?.StackStatus ?? '';
    const following = followHosts(
      context,
      { bucket: await newBucket(region), scope },
      {
        ...{ template, silentMs, before: [], emit: () => {} },
        services: { services: [] },
        until: until('CloudFormation to end', async () => /_COMPLETE$|_FAILED$/.test(await status()), 60_000),
      },
    );
    await until('its instance', async () => (await everyHost(context)).length > 0);
    await then(context, (await everyHost(context))[0]?.machine.id ?? '');
    const failed = await following;
    const events = await cloudFormation.send(new DescribeStackEventsCommand({ StackName }));
    const reasons = events.StackEvents?.map(({ ResourceStatusReason = '' }) => ResourceStatusReason) ?? [];
    return { failed, status: await status(), reasons };
  }

  test('ends the deployment after minutes, with the end of its console', async () => {
    const { failed, status, reasons } = await follow('silent', 3000, (_, id) =>
      fetch(`${region.endpoint}/_region/console/${id}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text: 'boot\ncloud-init: no route to S3\n' }),
      }),
    );
    expect(status).toMatch(/^ROLLBACK/);
    expect(failed).toMatchObject([
      {
        host: 'api-0',
        reason: expect.stringMatching(/has said nothing for .* minutes.*: cloud-init: no route to S3$/),
      },
    ]);
    expect(reasons.join('\n')).toContain('cloud-init: no route to S3');
  }, 90_000);

  test.each([
    ['terminated', TerminateInstancesCommand],
    ['stopped', StopInstancesCommand],
  ] as const)(
    'ends the deployment at once where its instance is %s',
    async (state, Command) => {
      const { failed, status } = await follow(state, 600_000, ({ session }, id) =>
        session.ec2.send(new Command({ InstanceIds: [id] }) as TerminateInstancesCommand),
      );
      expect(status).toMatch(/^ROLLBACK/);
      expect(failed).toMatchObject([
        { host: 'api-0', reason: expect.stringMatching(`its instance i-\\w+ is ${state}`) },
      ]);
    },
    90_000,
  );
});
