import type { ServicesPlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import type { Scope } from '../environment/names.js';

/** The private zone that hosts and services have their names in. */
export function zoneName({ project, environment }: Scope, { dnsZone }: ServicesPlan): string {
  return dnsZone ?? `${project}-${environment}.internal`;
}

export function serviceAddress(service: string, zone: string): string {
  return `${service}.${zone}`;
}

export function hostAddress(service: string, index: number, zone: string): string {
  return `${hostName(service, index)}.${zone}`;
}
