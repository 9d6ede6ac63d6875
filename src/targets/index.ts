import type { Environment } from '../config/index.js';
import { PrestageError } from '../core/errors.js';
import type { Target } from './target.js';

export type {
  DeployedRelease,
  Deployment,
  DestroyOptions,
  Prepared,
  PrepareJob,
  ReleaseContents,
  ResourceChange,
  ServicesChange,
  Target,
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
 * The target of an environment. Each target's code is loaded only when it is asked for.
 * @throws TARGET_UNSUPPORTED
 */
export async function openTarget(environment: TargetEnvironment, context: TargetContext): Promise<Target> {
  switch (environment.target) {
    case 'local': {
      const { openLocalTarget } = await import('./local/index.js');
      return openLocalTarget({ ...context, environment: environment.name, root: environment.root });
    }
    case 'aws':
      throw new PrestageError(
        'TARGET_UNSUPPORTED',
        `Environment ${environment.name} has target aws, which this version does not have yet.`,
        {
          hint: 'Use an environment with `target: local`, for example with `--env local`.',
          context: { key: `environments.${environment.name}.target` },
        },
      );
  }
}
