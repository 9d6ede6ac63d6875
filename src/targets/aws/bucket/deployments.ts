import * as z from 'zod';
import { mapBounded } from '../../../core/bounded.js';
import { PrestageError } from '../../../core/errors.js';
import { servicesPlan } from '../../../plan/index.js';
import type { DeployedRelease } from '../../target.js';
import type { Bucket } from './bucket.js';
import { DEPLOYMENTS, deploymentKey } from './layout.js';

const deployedRelease: z.ZodType<DeployedRelease> = z.object({
  release: z.string(),
  deployedAt: z.string(),
  services: servicesPlan,
  image: z.string().optional(),
});

/** Requests that are under way at once. */
const IN_FLIGHT = 16;
/** As many as are looked at: a rollback goes no further back. */
const KEPT = 50;

/** The deployments that became healthy, oldest first. */
export async function readDeployments(bucket: Bucket): Promise<DeployedRelease[]> {
  const keys = (await bucket.list(DEPLOYMENTS)).slice(-KEPT);
  const read = await mapBounded(keys, IN_FLIGHT, async (key) => (await bucket.getJson(key, deployedRelease))?.value);
  return read.filter((deployed) => deployed !== undefined);
}

/** The one that became healthy last: two requests, however many there were. */
export async function lastDeployment(bucket: Bucket): Promise<DeployedRelease | undefined> {
  const key = (await bucket.list(DEPLOYMENTS)).at(-1);
  return key === undefined ? undefined : (await bucket.getJson(key, deployedRelease))?.value;
}

/** Adds one to the end. @throws LEASE_LOST where another command added one at the same time */
export async function appendDeployment(bucket: Bucket, deployed: DeployedRelease): Promise<void> {
  const last = (await bucket.list(DEPLOYMENTS)).at(-1);
  const number = last === undefined ? 1 : Number.parseInt(last.slice(DEPLOYMENTS.length), 10) + 1;
  if (await bucket.putJson(deploymentKey(number), deployed, { ifNoneMatch: '*' })) return;
  throw new PrestageError('LEASE_LOST', 'Another command deployed to this environment at the same time.', {
    hint: '`prestage status` shows what is deployed. Run the same command again.',
  });
}

/** For `destroy`: nothing is deployed any more. */
export async function forgetDeployments(bucket: Bucket): Promise<void> {
  await bucket.delete(...(await bucket.list(DEPLOYMENTS)));
}
