import type { Deployment } from '../target.js';
import { awsParts } from './aws-parts.js';
import { type AwsContext, findPlace } from './context.js';
import { planData } from './data/data-stack.js';
import { deployedInfrastructure, infrastructureInputs } from './infrastructure.js';
import { unknownOutputs } from './stacks/foundation-outputs.js';

/**
 * What can be found wrong before anything is made: who asks, and whether there is a template for it.
 * @throws AWS_SETTINGS, AWS_ACCOUNT; what no template can say, and what would lose data
 */
export async function checkInfrastructure(context: AwsContext, deployment: Deployment): Promise<void> {
  const scope = await context.scope();
  const place = (await findPlace(context)) ?? { scope, outputs: unknownOutputs() };
  const { outputs: data } = await planData(context, place, deployment);
  const inputs = await infrastructureInputs(context, place, deployment, {
    deployed: await deployedInfrastructure(context),
    data,
    fallback: async () => ({ agent: '0'.repeat(64), job: '0'.repeat(64) }),
    // Whichever hosts are made again, the template is as large.
    missing: async () => [],
  });
  const { synthesizeInfrastructure } = await awsParts(() => import('./stacks/infrastructure.js'));
  synthesizeInfrastructure(inputs);
}
