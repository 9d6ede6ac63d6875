import type { CfnTag, Stack } from 'aws-cdk-lib/core';
import { sha256 } from '../../../core/digest.js';

/** The name that the console shows. */
export function nameTag(stack: Stack, what: string): CfnTag[] {
  return [{ key: 'Name', value: `${stack.stackName.replace(/-(foundation|data|infrastructure)$/, '')}-${what}` }];
}

/** A resource's logical id out of names as people write them: `host`, `order-api-0` → `HostOrderApi0a1b2`. */
export function logicalId(kind: string, name: string): string {
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  // Without its hyphens a name may be another's.
  return `${kind}${words.join('')}${name.includes('-') ? sha256(name).slice(0, 4) : ''}`;
}
