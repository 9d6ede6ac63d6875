import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { canonicalJson, type Json } from '../../../core/digest.js';
import { once } from '../../../core/once.js';
import { deployedTemplate, describeStack, type StackState, type Template } from './stack-state.js';

/** A stack as one look finds it; each of its parts is asked for once. */
export interface DeployedStack {
  readonly name: string;
  /** Undefined where there is no such stack. */
  state(): Promise<StackState | undefined>;
  /** What it was made from; undefined where there is no such stack. */
  template(): Promise<Template | undefined>;
}

export function deployedStack(client: CloudFormationClient, name: string): DeployedStack {
  return {
    name,
    state: once(() => describeStack(client, name)),
    template: once(() => deployedTemplate(client, name)),
  };
}

/** Whether a stack is whole, and of exactly this template: then nothing has to be done, and nothing is. */
export async function isDeployed(stack: DeployedStack, template: Template): Promise<boolean> {
  const [state, deployed] = await Promise.all([stack.state(), stack.template()]);
  return state !== undefined && isWhole(state) && deployed !== undefined && sameTemplate(deployed, template);
}

/** A rollback brings a stack back to the template that it had before. */
export function isWhole({ status }: { status: string }): boolean {
  return ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE'].includes(status);
}

function sameTemplate(a: Template, b: Template): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);
}
