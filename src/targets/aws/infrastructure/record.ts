import type { StackState, Template } from '../cloudformation/stack-state.js';
import type { AgentInputs } from '../scripts/inputs.js';

/** What the infrastructure's template says of itself, so that a later deployment can keep what need not change. */
export interface InfrastructureRecord {
  release: string;
  imageId: string;
  fallback: AgentInputs;
  /** How often a host was made again on this release because its instance was gone; hosts that never were are left out. */
  generations?: Readonly<Record<string, number>>;
}

/** The record of the deployed infrastructure. */
export function recordOf(template: Template | undefined): InfrastructureRecord | undefined {
  const record = template?.Metadata?.Prestage as Partial<InfrastructureRecord> | undefined;
  const isWhole = record?.release !== undefined && record.imageId !== undefined && record.fallback !== undefined;
  return isWhole ? (record as InfrastructureRecord) : undefined;
}

/** The output of the stack that says so. A tag of the stack would be one of everything in it, and each release a change of all that. */
export const RELEASE_OUTPUT = 'Release';

/** The release that hosts are on; undefined where there are none. */
export function releaseOf(stack: StackState | undefined): string | undefined {
  return stack?.outputs[RELEASE_OUTPUT];
}
