import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ResourceChange as AwsChange,
  type Change,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
  type DescribeChangeSetCommandOutput,
} from '@aws-sdk/client-cloudformation';
import { PrestageError } from '../../../core/errors.js';
import type { ResourceChange } from '../../target.js';
import { asAws } from '../api/aws-failure.js';
import type { Session } from '../api/session.js';
import type { Bucket } from '../bucket/bucket.js';
import type { StackState, Template } from './stack-state.js';

/** What a request may hold of a template; a larger one goes through the bucket. */
const MAX_INLINE_BYTES = 51_200;
const POLL_MS = 1000;

/**
 * What CloudFormation would change of a stack that is there. It is asked by a change set, which is deleted again.
 * @throws what CloudFormation finds wrong with the template
 */
export async function changesOf(
  { cloudFormation: client }: Session,
  stack: StackState,
  template: Template,
  { bucket }: { bucket: Bucket },
): Promise<ResourceChange[]> {
  const names = { StackName: stack.name, ChangeSetName: `prestage-plan-${Date.now()}` };
  const context = { action: 'cloudformation:CreateChangeSet', resource: stack.name };
  await asAws(context, async () =>
    client.send(
      new CreateChangeSetCommand({
        ...names,
        ...(await templateFor(template, bucket)),
        ChangeSetType: 'UPDATE',
        Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
        Tags: Object.entries(stack.tags).map(([Key, Value]) => ({ Key, Value })),
      }),
    ),
  );
  try {
    const changes: Change[] = [];
    for (let page = await whenMade(client, names); ; ) {
      changes.push(...(page.Changes ?? []));
      const { NextToken } = page;
      if (NextToken === undefined) break;
      page = await asAws(context, () => client.send(new DescribeChangeSetCommand({ ...names, NextToken })));
    }
    return changes.flatMap(({ ResourceChange }) =>
      ResourceChange === undefined ? [] : [resourceChange(stack.name, ResourceChange)],
    );
  } finally {
    await client.send(new DeleteChangeSetCommand(names)).catch(() => {});
  }
}

/** A stack that is not there yet: all of its template is new. */
export function additionsOf(stack: string, template: Template): ResourceChange[] {
  return Object.entries(template.Resources).map(([resource, { Type }]) => ({
    stack,
    resource,
    resourceType: Type,
    action: 'add',
    detail: '',
  }));
}

async function templateFor(
  template: Template,
  bucket: Bucket,
): Promise<{ TemplateBody: string } | { TemplateURL: string }> {
  const text = JSON.stringify(template);
  if (Buffer.byteLength(text) <= MAX_INLINE_BYTES) return { TemplateBody: text };
  return { TemplateURL: await bucket.putTemplate(text) };
}

async function whenMade(
  client: Session['cloudFormation'],
  names: { StackName: string; ChangeSetName: string },
): Promise<DescribeChangeSetCommandOutput> {
  for (;;) {
    const set = await asAws({ action: 'cloudformation:DescribeChangeSet', resource: names.StackName }, () =>
      client.send(new DescribeChangeSetCommand(names)),
    );
    if (set.Status === 'CREATE_COMPLETE') return set;
    if (set.Status === 'FAILED') {
      // There is no status of its own for this.
      if (/didn't contain changes|no updates are to be performed/i.test(set.StatusReason ?? ''))
        return { ...set, Changes: [] };
      throw new PrestageError('STACK_FAILED', `Stack ${names.StackName} cannot be changed so: ${set.StatusReason}`, {
        hint: 'Fix what it says. Nothing was changed.',
        context: { stack: names.StackName },
      });
    }
    await sleep(POLL_MS);
  }
}

function resourceChange(stack: string, change: AwsChange): ResourceChange {
  const { LogicalResourceId: resource = '', ResourceType: resourceType = '', Action, Replacement, Details } = change;
  const properties = new Set(
    (Details ?? []).flatMap(({ Target }) =>
      Target?.Attribute === 'Properties' ? [Target.Name ?? ''] : [Target?.Attribute ?? ''],
    ),
  );
  const about = [...properties]
    .filter((name) => name !== '')
    .sort()
    .join(', ');
  const maybe = Replacement === 'Conditional' ? 'may be replaced' : '';
  return {
    stack,
    resource,
    resourceType,
    action: Action === 'Add' ? 'add' : Action === 'Remove' ? 'remove' : Replacement === 'True' ? 'replace' : 'modify',
    detail: [about, maybe].filter((part) => part !== '').join('; '),
  };
}
