import { loadConfig } from '../config/index.js';
import { deployerPolicy, diagnose } from '../targets/index.js';
import type { CommandOptions } from './project.js';
import type { DoctorResult } from './results.js';

/** What is found of all that a deployment needs, each finding with its remedy. Changes nothing. */
export async function doctor(options: CommandOptions): Promise<DoctorResult> {
  const config = await loadConfig(options.config ?? process.cwd(), options);
  const { environment } = config;
  const { folder: configFolder, name: project, services } = config;
  const servers = config.packages.flatMap(({ source, access }) =>
    source.kind === 'http' ? [{ url: source.url, access }] : [],
  );
  const checks = await diagnose(environment, { configFolder, project, services, servers }, options);
  return { environment: environment.name, target: environment.target, checks };
}

/** What the user who deploys must be allowed, as a policy of IAM. @throws USAGE, AWS_SETTINGS */
export async function policy(options: CommandOptions): Promise<{ environment: string; policy: object }> {
  const config = await loadConfig(options.config ?? process.cwd(), options);
  const { environment } = config;
  return { environment: environment.name, policy: await deployerPolicy(environment, config.name) };
}
