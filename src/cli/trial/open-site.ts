import type { Config } from '../../config/index.js';
import { PrestageError } from '../../core/errors.js';
import { formatCount } from '../../core/units.js';
import { type AwsEnvironment, trialOf } from '../../plan/index.js';
import { AwsSite } from './aws-site.js';
import type { TrialMode } from './checks.js';
import { LocalSite } from './local-site.js';
import type { Site, SiteSettings } from './site.js';

/** An environment on AWS; undefined for this machine. */
export type Place = AwsEnvironment | undefined;

/**
 * Where a trial is to be: on this machine, unless an environment on AWS is named and stacks there are wanted.
 * @throws USAGE where one of these is without the other
 */
export function placeOf(
  config: Config,
  env: string | undefined,
  { mode, createStacks }: { mode: TrialMode; createStacks: boolean },
): Place {
  if (env === undefined && !createStacks) return undefined;
  const { environment } = config;
  if (environment.target === 'aws') {
    if (!createStacks) throw withoutFlag(config, environment, mode);
    return trialOf(environment);
  }
  if (!createStacks) return undefined;
  throw new PrestageError(
    'USAGE',
    `--create-stacks is for environments on AWS: ${environment.name} is on this machine.`,
    {
      hint: 'Leave it out, or name an environment with `target: aws`: --env NAME.',
      context: { found: '--create-stacks' },
    },
  );
}

export function openSite(place: Place, settings: SiteSettings): Site {
  return place === undefined ? new LocalSite(settings) : new AwsSite(settings, place);
}

function withoutFlag(config: Config, environment: AwsEnvironment, mode: TrialMode): PrestageError {
  return new PrestageError(
    'USAGE',
    `Trying ${environment.name} on AWS makes stacks of its own there, which cost money until they are removed: ${whatIsMade(config, environment, mode).join(', ')}.`,
    {
      hint: 'Give --create-stacks to have it do so: it takes from minutes to hours, and everything is removed in the end (docs/aws.md, "Trying it on AWS"). Without --env, all is tried on this machine.',
      context: { expected: '--create-stacks' },
    },
  );
}

function whatIsMade(
  { services: { services, database } }: Config,
  { network, ha }: AwsEnvironment,
  mode: TrialMode,
): string[] {
  const forPreparing = [
    ...(network.kind === 'own' ? ['a VPC'] : []),
    'a file system',
    'a bucket',
    'an instance for each preparation',
  ];
  if (mode === 'phase1') return forPreparing;
  const hosts = services.reduce((sum, { count }) => sum + count, 0);
  const balancers = services.filter(({ port, count }) => port !== undefined && (ha || count > 1)).length;
  const gateways = network.kind === 'existing' || network.nat === 'none' ? 0 : network.nat === 'one' ? 1 : 2;
  return [
    ...forPreparing,
    ...(hosts > 0 ? [formatCount(hosts, 'host')] : []),
    ...(balancers > 0 ? [formatCount(balancers, 'load balancer')] : []),
    ...(gateways > 0 ? [formatCount(gateways, 'NAT gateway')] : []),
    ...(database === undefined ? [] : ['a database']),
  ];
}
