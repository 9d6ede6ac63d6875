import { canonicalJson, type Json } from '../../../core/digest.js';
import type { Deployment } from '../../target.js';
import { awsParts } from '../api/aws-parts.js';
import type { Synthesized } from '../cdk/synthesize.js';
import { planData } from '../data/ensure-data.js';
import { type AwsLook, locationOf } from '../look.js';
import { infrastructureInputs } from './collect-inputs.js';
import type { InfrastructureInputs } from './inputs.js';

/** An agent and a job that are not made yet: what is checked and shown before phase 1 does not depend on them. */
const NOT_MADE = { agent: '0'.repeat(64), job: '0'.repeat(64) };

/** What phase 2 would be made from, as far as that is known before phase 1. @throws what planData throws */
export async function wantedInputs(look: AwsLook, deployment: Deployment): Promise<InfrastructureInputs> {
  const { database } = deployment.services;
  const data = database === undefined ? undefined : (await planData(look, deployment)).outputs;
  return infrastructureInputs(look, await locationOf(look), deployment, { data, fallback: async () => NOT_MADE });
}

let last: { inputs: string; synthesized: Synthesized } | undefined;

/** Phase 2 as a template. Inputs that were the last ones too give the same one, which then is not made a second time. */
export async function synthesizedInfrastructure(inputs: InfrastructureInputs): Promise<Synthesized> {
  const { synthesizeInfrastructure } = await awsParts(() => import('./stack.js'));
  const key = canonicalJson(inputs as unknown as Json);
  if (last?.inputs !== key) last = { inputs: key, synthesized: synthesizeInfrastructure(inputs) };
  return last.synthesized;
}
