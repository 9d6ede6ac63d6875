import type { AwsNetwork, ServicesPlan } from '../../../plan/index.js';
import type { ReleaseContents } from '../../target.js';
import type { DataOutputs } from '../data/inputs.js';
import type { Scope } from '../environment/names.js';
import type { FoundationOutputs } from '../foundation/inputs.js';
import type { AgentInputs } from '../scripts/inputs.js';

/** What the infrastructure is made from: values, never references to the other stack. */
export interface InfrastructureInputs {
  scope: Scope;
  network: AwsNetwork;
  ha: boolean;
  instanceTypes: { hosts: string; services: Readonly<Record<string, string>> };
  foundation: FoundationOutputs;
  release: ReleaseContents;
  services: ServicesPlan;
  /** The database that the services have, where they have one. */
  data: DataOutputs | undefined;
  /** The machine image of hosts: `ami-…`, resolved before. */
  imageId: string;
  /** What a jump host prepares the release by, where it is not there. */
  fallback: AgentInputs;
  /** How often hosts were made again on this release, by their names; absent is never. */
  generations: Readonly<Record<string, number>>;
  /** Buckets of other people's that a jump host may have to read sources from. */
  sourceBuckets: readonly string[];
}
