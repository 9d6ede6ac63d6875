import type { ServicesPlan } from '../../plan/index.js';
import { type Change, leafChanges } from './recipe-changes.js';

/** What differs between the services that are deployed and those that are wanted, setting by setting. */
export function serviceChanges(before: ServicesPlan, after: ServicesPlan): Change[] {
  const [old, now] = [byName(before), byName(after)];
  const changes = [...new Set([...old.keys(), ...now.keys()])].flatMap((name): Change[] => {
    const [was, is] = [old.get(name), now.get(name)];
    const what = `service ${name}`;
    if (was && is) return leafChanges(what, was, is);
    return [is ? { what, after: 'added' } : { what, before: 'removed' }];
  });
  return [
    ...changes,
    ...leafChanges('database', before.database ?? {}, after.database ?? {}),
    ...leafChanges('dns', zoneOf(before), zoneOf(after)),
  ];
}

function zoneOf({ dnsZone }: ServicesPlan): { zone?: string } {
  return dnsZone === undefined ? {} : { zone: dnsZone };
}

function byName({ services }: ServicesPlan) {
  return new Map(services.map((service) => [service.name, service]));
}
