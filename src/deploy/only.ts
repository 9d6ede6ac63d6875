import type { Config } from '../config/index.js';
import { PrestageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import {
  findCycle,
  orderServices,
  type PackagePlan,
  planRelease,
  type ScriptPlan,
  type ServicePlan,
  type ServicesPlan,
} from '../plan/index.js';
import type { Resolved } from '../resolve/index.js';
import type { ReleaseRecord } from '../store/index.js';
import type { Target, TargetLook } from '../targets/index.js';
import { recordedPackage } from './recorded.js';

/** What is deployed: the base to which `--only` adds. */
interface Base {
  record: ReleaseRecord;
  services: ServicesPlan;
}

/** Each name is one of the configuration. @throws USAGE */
export function demandNames({ packages, services: { services } }: Config, names: readonly string[]): void {
  const known = [...packages.map(({ id }) => id), ...services.map(({ name }) => name)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  throw new PrestageError('USAGE', `--only ${unknown}: the configuration has no package and no service of that name.`, {
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}There are: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}. What is no longer in the configuration is removed by a deployment without --only.`,
    context: { found: unknown },
  });
}

/**
 * The configuration's packages and services of these names within what is deployed: a release that differs from the current
 * one there alone, and is whole as every other (docs/decisions/0010-deploy-only.md).
 * @throws NOTHING_DEPLOYED, USAGE where that release cannot be
 */
export async function onlyThese(
  { kind, look }: { kind: Target['kind']; look: TargetLook },
  resolved: Resolved,
  names: readonly string[],
): Promise<Resolved> {
  const base = await deployedBase(look, resolved);
  const named = new Set(names);
  const packages = [
    ...resolved.plan.packages.filter(({ id }) => named.has(id)),
    ...keptPackages(base.record).filter(({ id }) => !named.has(id)),
  ];
  const services = mergedServices(resolved.services, base.services, named);
  demandPlaces(packages);
  demandNeeds(services, packages, names);
  const scripts = mergedScripts(services, { now: resolved.plan.scripts, before: base.record.scripts, named });
  const plan = planRelease(resolved.plan.name, packages, scripts);
  if (kind === 'aws' && plan.release !== base.record.release && !packages.some(({ id }) => named.has(id)))
    throw oneReleaseForAll(names, plan.release);
  return { ...resolved, plan, services };
}

async function deployedBase(look: TargetLook, { environment }: Resolved): Promise<Base> {
  const [current, releases, history] = await Promise.all([look.currentRelease(), look.releases(), look.history()]);
  const record = releases.find(({ release }) => release === current);
  const deployed = history.findLast(({ release }) => release === current);
  if (record && deployed) return { record, services: deployed.services };
  throw new PrestageError(
    'NOTHING_DEPLOYED',
    `--only changes a part of what is deployed, and nothing is deployed in ${environment.name}.`,
    { hint: 'Deploy once without --only.' },
  );
}

/** By their recipes, as the release's record has them: nobody needs their sources, since their trees are in the store. */
function keptPackages({ release, packages }: ReleaseRecord): PackagePlan[] {
  return packages.map((item) => {
    const { id } = item;
    const plan = recordedPackage(item);
    if (plan) return plan;
    throw new PrestageError(
      'USAGE',
      `--only cannot take ${id} over from release ${release}: another version of Prestage made it, which kept no recipe that this one can read.`,
      { hint: 'Deploy once without --only.', context: { package: id, release } },
    );
  });
}

/** What is not named is as it was deployed: services, the database, the zone. */
function mergedServices(now: ServicesPlan, before: ServicesPlan, named: ReadonlySet<string>): ServicesPlan {
  const services = [
    ...now.services.filter(({ name }) => named.has(name)),
    ...before.services.filter(({ name }) => !named.has(name)),
  ];
  // In the order in which they were, new ones last.
  const place = ({ name }: ServicePlan, list: readonly ServicePlan[]) =>
    list.findIndex((each) => each.name === name) + 1 || list.length + 1;
  services.sort(
    (a, b) => place(a, before.services) - place(b, before.services) || place(a, now.services) - place(b, now.services),
  );
  demandStartOrder(services, named);
  demandPorts(services);
  return { ...before, services: orderServices(services) };
}

/** @throws USAGE */
function demandStartOrder(services: readonly ServicePlan[], named: ReadonlySet<string>): void {
  for (const { name, after } of services)
    for (const other of after)
      if (!services.some((service) => service.name === other))
        throw incomplete(`${name} starts after ${other}, which is not deployed`, [...named, other]);
  const circle = findCycle(new Map(services.map(({ name, after }) => [name, after])));
  if (circle) throw incomplete(`some of them would wait for each other (${circle.join(' → ')})`, [...named, ...circle]);
}

/** @throws USAGE */
function demandPorts(services: readonly ServicePlan[]): void {
  const owners = new Map<number, string>();
  for (const { name, port } of services) {
    const owner = port === undefined ? undefined : owners.get(port);
    if (owner !== undefined) throw incomplete(`${owner} and ${name} would have the same port, ${port}`, [owner, name]);
    if (port !== undefined) owners.set(port, name);
  }
}

/** @throws USAGE */
function demandPlaces(packages: readonly PackagePlan[]): void {
  const inside = (a: string, b: string) => a === b || a.startsWith(`${b}/`);
  for (const one of packages)
    for (const other of packages)
      if (one !== other && inside(one.destination, other.destination))
        throw incomplete(`${one.id} would be at the destination of ${other.id} or inside it`, [one.id, other.id]);
}

/** @throws USAGE */
function demandNeeds({ services }: ServicesPlan, packages: readonly PackagePlan[], names: readonly string[]): void {
  for (const { name, needs = [] } of services)
    for (const id of needs)
      if (!packages.some((item) => item.id === id))
        throw incomplete(`${name} needs package ${id}, which is not deployed`, [...names, id]);
}

/** A release has one script of a path: all services that use it get it together. @throws USAGE */
function mergedScripts(
  { services }: ServicesPlan,
  { now, before, named }: { now: readonly ScriptPlan[]; before: readonly ScriptPlan[]; named: ReadonlySet<string> },
): ScriptPlan[] {
  const chosen = new Map<string, { script: ScriptPlan; service: string }>();
  for (const { name, boot, run } of services) {
    for (const path of [boot, run]) {
      if (path === undefined) continue;
      const script = (named.has(name) ? now : before).find((each) => each.path === path);
      if (!script) throw incomplete(`${name} runs ${path}, which the deployed release does not have`, [...named, name]);
      const other = chosen.get(path);
      if (other && other.script.sha256 !== script.sha256)
        throw incomplete(`${path} changed, and ${other.service} and ${name} both run it`, [
          ...named,
          other.service,
          name,
        ]);
      chosen.set(path, { script, service: name });
    }
  }
  return [...chosen.values()].map(({ script }) => script);
}

function incomplete(reason: string, together: readonly string[]): PrestageError {
  return new PrestageError('USAGE', `--only would give a release that does not fit together: ${reason}.`, {
    hint: `Name them together: \`--only ${[...new Set(together)].join(' ')}\`; or deploy without --only.`,
    context: { expected: [...new Set(together)].join(' ') },
  });
}

function oneReleaseForAll(names: readonly string[], release: string): PrestageError {
  return new PrestageError(
    'USAGE',
    `--only ${names.join(' ')} would replace every host: a script changed, so that release ${release} is another one, and on AWS all hosts are on one release.`,
    { hint: 'Deploy without --only.', context: { release } },
  );
}
