import {
  type CloudFormationClient,
  ListStackResourcesCommand,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { asAws } from '../api/aws-failure.js';

/** What a stack is made of, in no order. */
export async function stackResources(client: CloudFormationClient, StackName: string): Promise<StackResourceSummary[]> {
  const found: StackResourceSummary[] = [];
  let next: string | undefined;
  do {
    const page = await asAws({ action: 'cloudformation:ListStackResources', resource: StackName }, () =>
      client.send(new ListStackResourcesCommand({ StackName, ...(next === undefined ? {} : { NextToken: next }) })),
    );
    found.push(...(page.StackResourceSummaries ?? []));
    next = page.NextToken;
  } while (next !== undefined);
  return found;
}
