import type { CfnTag, Stack } from 'aws-cdk-lib/core';

/** The name that the console shows. */
export function nameTag(stack: Stack, what: string): CfnTag[] {
  return [{ key: 'Name', value: `${stack.stackName.replace(/-(foundation|data|infrastructure)$/, '')}-${what}` }];
}
