import { existsSync } from 'node:fs';
import type { ServicesPlan } from '../../../plan/index.js';
import type { HostChange } from '../../target.js';
import { differenceOf } from '../hosts/desired.js';
import { isOrphaned, type ObservedHost } from '../hosts/observe.js';
import type { HostSpec } from '../hosts/spec.js';
import { hostFiles, type LocalLayout } from '../layout.js';

/** What is to be done about one host that a deployment wants. */
export interface PlannedHost {
  spec: HostSpec;
  existing: ObservedHost | undefined;
  /**
   * `restart`: the same host again, in its folder, without another boot. `adopt`: another supervisor for a program that
   * runs.
   */
  action: 'create' | 'replace' | 'restart' | 'adopt' | 'keep';
  reason: string;
}

export interface RolloutPlan {
  layout: LocalLayout;
  services: ServicesPlan;
  hosts: PlannedHost[];
  remove: ObservedHost[];
}

/** Compares the hosts that a deployment wants with those that there are. */
export function planRollout(
  layout: LocalLayout,
  services: ServicesPlan,
  desired: readonly HostSpec[],
  observed: readonly ObservedHost[],
  preparedAgain: ReadonlyMap<string, string>,
): RolloutPlan {
  const existing = new Map(observed.map((host) => [host.spec.host, host]));
  const wanted = new Set(desired.map((spec) => spec.host));
  return {
    layout,
    services,
    hosts: desired.map((spec) => planHost(spec, existing.get(spec.host), preparedAgain.get(spec.host))),
    remove: observed.filter((host) => !wanted.has(host.spec.host)),
  };
}

function planHost(spec: HostSpec, existing: ObservedHost | undefined, again: string | undefined): PlannedHost {
  if (!existing) return { spec, existing, action: 'create', reason: 'new' };
  const difference =
    differenceOf(existing.spec, spec) ??
    mustPrepare(existing, spec) ??
    (again && `package ${again} was prepared again`);
  if (difference !== undefined) return { spec, existing, action: 'replace', reason: difference };
  if (isOrphaned(existing.state))
    return {
      spec: existing.spec,
      existing,
      action: 'adopt',
      reason: 'its supervisor is gone, and it gets another one',
    };
  switch (existing.condition) {
    case 'healthy':
      return { spec: existing.spec, existing, action: 'keep', reason: 'unchanged' };
    case 'starting':
      return { spec: existing.spec, existing, action: 'keep', reason: `still starting: ${existing.detail}` };
    case 'stopped':
      return mayRestart(existing)
        ? { spec: existing.spec, existing, action: 'restart', reason: `does not run: ${existing.detail}` }
        : { spec, existing, action: 'replace', reason: `does not run: ${existing.detail}` };
    default:
      return { spec, existing, action: 'replace', reason: `is not healthy: ${existing.detail}` };
  }
}

/** Where no worker ran, the jump host has work to do even if nothing that it needs itself has changed. */
function mustPrepare({ spec, condition }: ObservedHost, wanted: HostSpec): string | undefined {
  if (wanted.fallback?.role !== 'prepares') return undefined;
  const isAtIt = spec.release === wanted.release && condition === 'starting';
  return isAtIt ? undefined : `prepares release ${wanted.release} itself`;
}

/** A program can be started again; a daemon that only `boot` knows how to start needs a new host. */
function mayRestart({ spec, folder }: ObservedHost): boolean {
  return spec.run !== undefined && (spec.boot === undefined || existsSync(hostFiles(folder).booted));
}

/** As the commands show it. */
export function hostChanges({ hosts, remove }: RolloutPlan): HostChange[] {
  return [
    ...hosts.map(
      ({ spec, action, reason }): HostChange => ({
        host: spec.host,
        service: spec.service,
        action: action === 'restart' ? 'replace' : action === 'adopt' ? 'keep' : action,
        reason,
      }),
    ),
    ...remove.map(
      ({ spec }): HostChange => ({
        host: spec.host,
        service: spec.service,
        action: 'remove',
        reason: 'no longer wanted',
      }),
    ),
  ];
}

export function isSettled({ hosts, remove }: RolloutPlan): boolean {
  return (
    remove.length === 0 && hosts.every(({ action, existing }) => action === 'keep' && existing?.condition === 'healthy')
  );
}
