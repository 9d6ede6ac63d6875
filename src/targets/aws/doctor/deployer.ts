import type { AwsEnvironment } from '../../../plan/index.js';
import { openSession } from '../api/session.js';

/**
 * The least policy for anyone who deploys an environment. It names buckets, roles and stacks, so the account must be known: the one that
 * the environment is pinned to, or that of the credentials. @throws AWS_SETTINGS where there is neither
 */
export async function policyOfDeployer({
  project,
  environment,
}: {
  project: string;
  environment: AwsEnvironment;
}): Promise<object> {
  const account = environment.account ?? (await openSession(environment).account());
  const { deployerPolicy } = await import('./deployer-policy.js');
  return deployerPolicy({ project, environment: environment.name, account, region: environment.region });
}
