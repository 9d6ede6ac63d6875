import {
  type CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  type StackEvent,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import { parse } from 'yaml';
import { asAws } from '../api/aws-failure.js';

export interface StackState {
  name: string;
  id: string;
  status: StackStatus;
  reason: string | undefined;
  /** Whether it cannot be deleted before somebody takes its protection away. */
  isProtected: boolean;
  outputs: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
}

/** A template as it was sent. */
export interface Template {
  Description?: string;
  Metadata?: { Prestage?: unknown };
  Resources: Record<string, TemplateResource>;
  Outputs?: Record<string, unknown>;
}

export interface TemplateResource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string | string[];
}

/** Undefined where there is no such stack, or one that was deleted. */
export async function describeStack(client: CloudFormationClient, name: string): Promise<StackState | undefined> {
  const found = await asAws({ action: 'cloudformation:DescribeStacks', resource: name }, () =>
    client.send(new DescribeStacksCommand({ StackName: name })).catch(undefinedIfAbsent),
  );
  const stack = found?.Stacks?.[0];
  if (stack === undefined || stack.StackStatus === undefined || stack.StackStatus === 'DELETE_COMPLETE')
    return undefined;
  return {
    name,
    id: stack.StackId ?? name,
    status: stack.StackStatus,
    reason: stack.StackStatusReason,
    isProtected: stack.EnableTerminationProtection ?? false,
    outputs: Object.fromEntries(
      (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    ),
    tags: Object.fromEntries((stack.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
  };
}

/** A stack whose creation came to nothing: there is nothing in it that could be changed. */
export function isNeverMade({ status }: Pick<StackState, 'status'>): boolean {
  return ['REVIEW_IN_PROGRESS', 'ROLLBACK_COMPLETE', 'ROLLBACK_FAILED', 'CREATE_FAILED'].includes(status);
}

/** The template that is deployed, or that a failed creation was made from; undefined where there is no stack. */
export async function deployedTemplate(client: CloudFormationClient, name: string): Promise<Template | undefined> {
  const found = await asAws({ action: 'cloudformation:GetTemplate', resource: name }, () =>
    client.send(new GetTemplateCommand({ StackName: name, TemplateStage: 'Original' })).catch(undefinedIfAbsent),
  );
  if (found?.TemplateBody === undefined) return undefined;
  return parseTemplate(found.TemplateBody);
}

/** What was sent inline was sent as YAML. Most templates are JSON, which its own parser reads a hundred times as fast. */
function parseTemplate(body: string): Template {
  if (body.trimStart().startsWith('{')) return JSON.parse(body) as Template;
  return parse(body, { maxAliasCount: -1 }) as Template;
}

/** The events of the last operation on a stack, oldest first. */
export async function lastOperation(client: CloudFormationClient, name: string): Promise<StackEvent[]> {
  const events: StackEvent[] = [];
  let next: string | undefined;
  do {
    const page = await asAws({ action: 'cloudformation:DescribeStackEvents', resource: name }, () =>
      client.send(
        new DescribeStackEventsCommand({ StackName: name, ...(next === undefined ? {} : { NextToken: next }) }),
      ),
    );
    for (const event of page.StackEvents ?? []) {
      events.unshift(event);
      const isStack = event.LogicalResourceId === name && event.ResourceType === 'AWS::CloudFormation::Stack';
      if (isStack && /^(CREATE|UPDATE|DELETE)_IN_PROGRESS$/.test(event.ResourceStatus ?? '')) return events;
    }
    next = page.NextToken;
  } while (next !== undefined);
  return events;
}

function undefinedIfAbsent(error: unknown): undefined {
  // `ValidationError: Stack with id … does not exist`: there is no code of its own for it.
  if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
  throw error;
}
