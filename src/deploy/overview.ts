import { defaultEnvironment, loadConfig } from '../config/index.js';
import { asPrestageError } from '../core/errors.js';
import type { CommandOptions } from './project.js';
import type { StatusResult } from './results.js';
import { status } from './status.js';

export interface ProjectOverview {
  project: string;
  file: string;
  environments: EnvironmentOverview[];
}

export interface EnvironmentOverview {
  name: string;
  target: 'local' | 'aws';
  /** Whether commands without `--env` mean it. */
  isDefault: boolean;
  /** Known of local environments, and of the one that was asked for by name: others are behind a network. */
  status?: StatusResult;
  /** Why it could not be asked. */
  problem?: string;
}

/** The project and the state of its environments, as far as that is known at once. */
export async function overview(options: CommandOptions): Promise<ProjectOverview> {
  const { environment: wanted } = options;
  const config = await loadConfig(options.config ?? process.cwd(), { environment: wanted, orFirst: true });
  const chosen = wanted === undefined ? config.environments : [config.environment];
  const byDefault = defaultEnvironment(config.environments.map(({ name }) => name));
  const environments = chosen.map(async ({ name, target }): Promise<EnvironmentOverview> => {
    const entry = { name, target, isDefault: name === byDefault };
    if (target === 'aws' && wanted === undefined) return entry;
    try {
      return { ...entry, status: await status({ ...options, environment: name }) };
    } catch (error) {
      return { ...entry, problem: asPrestageError(error).message };
    }
  });
  return { project: config.name, file: config.file, environments: await Promise.all(environments) };
}
