import { PrestageError } from '../core/errors.js';
import type { Environment, ServicesPlan } from '../plan/index.js';
import type { Finding } from './checks/finding.js';
import { loginChecks, type SourceServer } from './checks/logins.js';
import { nodeCheck } from './checks/node.js';
import { runChecks } from './checks/run-checks.js';
import type { Target } from './target.js';

export type { Finding } from './checks/finding.js';
export type { LogWindow } from './log-window.js';
export type {
  DeployedRelease,
  Deployment,
  Prepared,
  PrepareJob,
  ReleaseContents,
  ResourceChange,
  ReviewFile,
  ServicesChange,
  Target,
  TargetLook,
  TargetResource,
  TargetStatus,
} from './target.js';

/** What a target needs of an environment of the configuration; `root` is absolute. */
export type TargetEnvironment = Environment;

export interface TargetContext {
  /** The folder of the configuration: where the project's own npm packages are looked for. */
  configFolder: string;
  /** The project's name. */
  project: string;
}

/**
 * The target of an environment. Each target's code is loaded only when it is asked for. */
export async function openTarget(environment: TargetEnvironment, context: TargetContext): Promise<Target> {
  switch (environment.target) {
    case 'local': {
      const { openLocalTarget } = await import('./local/index.js');
      return openLocalTarget({ ...context, environment: environment.name, root: environment.root });
    }
    case 'aws': {
      const { openAwsTarget } = await import('./aws/index.js');
      return openAwsTarget({ project: context.project, environment });
    }
  }
}

/**
 * Looks at what a deployment to an environment needs, and changes nothing. Not by its target, which may not open where something is
 * missing: that is what is to be found out. @throws the signal's reason
 */
export async function diagnose(
  environment: TargetEnvironment,
  { configFolder, project, services, servers }: TargetContext & { services: ServicesPlan; servers: SourceServer[] },
  { signal }: { signal: AbortSignal },
): Promise<Finding[]> {
  return runChecks([nodeCheck, ...(await checksOf()), ...loginChecks(servers)], { signal });

  async function checksOf() {
    if (environment.target === 'local') {
      const { localChecks } = await import('./local/doctor/index.js');
      return localChecks({ configFolder, project, services, root: environment.root });
    }
    const { awsChecks } = await import('./aws/doctor/index.js');
    return awsChecks({ project, environment, services });
  }
}

/** The least policy, as IAM takes it, for anyone who deploys the environment. @throws USAGE where it is not on AWS; AWS_SETTINGS */
export async function deployerPolicy(environment: TargetEnvironment, project: string): Promise<object> {
  if (environment.target !== 'aws')
    throw new PrestageError('USAGE', `Environment ${environment.name} is not on AWS: it needs no policy.`, {
      hint: 'Name one with `target: aws`: --env NAME.',
    });
  const { policyOfDeployer } = await import('./aws/doctor/deployer.js');
  return policyOfDeployer({ project, environment });
}
