import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { canonicalJson, type Json } from '../../../core/digest.js';
import { deployedTemplate, describeStack, type Template } from './stack-state.js';

/** Whether a stack is whole, and of exactly this template: then nothing has to be done, and nothing is. */
export async function isDeployed(client: CloudFormationClient, name: string, template: Template): Promise<boolean> {
  const [stack, deployed] = await Promise.all([describeStack(client, name), deployedTemplate(client, name)]);
  return stack !== undefined && isWhole(stack) && deployed !== undefined && sameTemplate(deployed, template);
}

/** A rollback brings a stack back to the template that it had before. */
export function isWhole({ status }: { status: string }): boolean {
  return ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE'].includes(status);
}

function sameTemplate(a: Template, b: Template): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);
}
