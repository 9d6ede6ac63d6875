import type { Deployment } from '../target.js';
import { synthesizedInfrastructure, wantedInputs } from './infrastructure/wanted.js';
import type { AwsLook } from './look.js';

/**
 * What can be found wrong before anything is made: who asks, and whether there is a template for it.
 * @throws AWS_SETTINGS, AWS_ACCOUNT; what no template can say, and what would lose data
 */
export async function checkInfrastructure(look: AwsLook, deployment: Deployment): Promise<void> {
  await synthesizedInfrastructure(await wantedInputs(look, deployment));
}
