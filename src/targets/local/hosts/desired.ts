import { canonicalJson, type Json, sha256, shortDigest } from '../../../core/digest.js';
import type { HealthCheck, ServicePlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import type { ReleaseContents } from '../../target.js';
import { MARK } from '../processes/marked.js';
import type { HostSpec } from './spec.js';
import { ADDRESS, hostVariables, type Surroundings } from './variables.js';

/** A service with a port answers there before others start after it, whether or not it says how to ask. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** The hosts that a deployment wants, service by service in the order in which they start. */
export function desiredHosts(release: ReleaseContents, around: Surroundings): HostSpec[] {
  return around.services.services.flatMap((service) =>
    Array.from({ length: service.count }, (_, index) => desiredHost(service, index, release, around)),
  );
}

function desiredHost(service: ServicePlan, index: number, release: ReleaseContents, around: Surroundings): HostSpec {
  const host = hostName(service.name, index);
  const environment = hostVariables(service, index, around);
  const port = around.ports.get(host);
  const health = healthOf(service);
  return {
    format: 1,
    host,
    service: service.name,
    index,
    address: ADDRESS,
    ...(port === undefined ? {} : { port }),
    release: release.release,
    root: around.root,
    ...(service.boot === undefined ? {} : { boot: service.boot }),
    ...(service.run === undefined ? {} : { run: service.run }),
    ...(health === undefined ? {} : { health }),
    ...handlingOf(service),
    environment,
    ...(service.secrets === undefined ? {} : { secrets: service.secrets }),
    ingredients: ingredientsOf(service, release, environment),
  };
}

/** What a host does about its program beside starting it. */
function handlingOf({
  stop,
  restart,
  logs,
  files,
  user,
  bootUser,
}: ServicePlan): Pick<ServicePlan, 'stop' | 'restart' | 'logs' | 'files' | 'user' | 'bootUser'> {
  return {
    ...(stop === undefined ? {} : { stop }),
    ...(restart === undefined ? {} : { restart }),
    ...(logs === undefined ? {} : { logs }),
    ...(files === undefined ? {} : { files }),
    ...(user === undefined ? {} : { user }),
    ...(bootUser === undefined ? {} : { bootUser }),
  };
}

function healthOf({ health, port }: ServicePlan): HealthCheck | undefined {
  if (port === undefined) return undefined;
  return health ?? { kind: 'tcp', timeoutMs: DEFAULT_TIMEOUT_MS };
}

/** Only what changed is replaced: what a service says that it needs, and nothing of the release beyond that. */
function ingredientsOf(
  service: ServicePlan,
  release: ReleaseContents,
  environment: Record<string, string>,
): Record<string, string> {
  const { boot, run, needs } = service;
  // How many hosts there are and what they wait for is not a matter of one host.
  const { role, port, health } = service;
  const settings = { role, boot, run, needs, port, health, ...handlingOf(service) };
  const scripts = release.scripts.filter(({ path }) => path === boot || path === run);
  const packages = release.packages.filter(({ id }) => needs?.includes(id) ?? true);
  const { PRESTAGE_RELEASE: _, PRESTAGE_ROOT: __, [MARK]: mark = '', ...variables } = environment;
  return {
    'its settings': digestOf(settings as Json),
    ...Object.fromEntries(scripts.map(({ path, sha256 }) => [`script ${path}`, shortDigest(sha256)])),
    ...Object.fromEntries(
      packages.map(({ id, destination, recipe }) => [`package ${id}`, digestOf({ destination, recipe })]),
    ),
    // A root that was moved, or copied.
    'the place of its root': digestOf(mark),
    ...Object.fromEntries(
      Object.entries({ ...variables, ...service.secrets }).map(([name, value]) => [
        `variable ${name}`,
        digestOf(value),
      ]),
    ),
  };
}

function digestOf(value: Json): string {
  return shortDigest(sha256(canonicalJson(value)));
}

/** More than that is a list, which a plan shows below. */
const MAX_NAMED = 8;

/** In words, what makes two hosts differ; undefined where they are the same. */
export function differenceOf(before: HostSpec, after: HostSpec): string | undefined {
  const names = new Set([...Object.keys(before.ingredients), ...Object.keys(after.ingredients)]);
  const changed = [...names].filter((name) => before.ingredients[name] !== after.ingredients[name]);
  if (changed.length === 0) return undefined;
  const shown = changed.length > MAX_NAMED ? [...changed.slice(0, MAX_NAMED - 1), 'more'] : changed;
  return `${shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`} changed`;
}
