import type { CommandContext } from '../../../core/command-context.js';
import { asSentence } from '../../../core/errors.js';
import type { Emit } from '../../../core/events.js';
import { rm } from '../../../core/held-files.js';
import { isRunning } from '../../../core/process-identity.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import { launchAgain, type Programs } from '../hosts/launch.js';
import { type ObservedHost, observeHosts } from '../hosts/observe.js';
import { readSpec } from '../hosts/spec.js';
import { readState } from '../hosts/state.js';
import { stopHost } from '../hosts/stop.js';
import { untilHealthy } from '../hosts/until-healthy.js';
import type { LocalLayout } from '../layout.js';
import { forgetPrevious, hostsSetAside, putBack } from './previous.js';

export interface Reverted {
  /** Hosts that went back to what they were. */
  reverted: string[];
  /** Hosts that were new, and are gone again. */
  removed: string[];
  /** Hosts that could not be brought back, with the reason. */
  failed: { host: string; reason: string }[];
}

/**
 * Stops the hosts of a first deployment that failed. Their folders stay, for their logs. With `keep`, those that are
 * healthy are left as they are.
 */
export async function stopAll(
  layout: LocalLayout,
  { keep = false, emit }: { keep?: boolean; emit: Emit },
): Promise<{ stopped: string[]; kept: string[] }> {
  const hosts = await observeHosts(layout);
  const kept = hosts.filter(({ condition }) => keep && condition === 'healthy');
  const stopping = hosts.filter((host) => !kept.includes(host));
  await Promise.all(stopping.map((host) => stopAndTell(layout, host, emit)));
  return { stopped: namesOf(stopping), kept: namesOf(kept) };
}

function namesOf(hosts: readonly ObservedHost[]): string[] {
  return hosts.map(({ spec }) => spec.host);
}

/** Brings the hosts back to the last deployment that was healthy: replaced ones as they were, new ones away. */
export async function revert(
  layout: LocalLayout,
  last: ServicesPlan,
  context: CommandContext & { programs: Programs },
): Promise<Reverted> {
  const outcome: Reverted = { reverted: [], removed: [], failed: [] };
  const setAside = await hostsSetAside(layout);
  const deployed = new Set(
    last.services.flatMap(({ name, count }) => Array.from({ length: count }, (_, index) => hostName(name, index))),
  );
  const present = await observeHosts(layout);
  for (const host of present.filter(({ spec }) => !deployed.has(spec.host) && !setAside.includes(spec.host))) {
    await stopAndTell(layout, host, context.emit);
    await rm(host.folder, { recursive: true, force: true });
    outcome.removed.push(host.spec.host);
  }
  // All of them first: one may have the port that another one is to have again.
  const replacing = present.filter(({ spec }) => setAside.includes(spec.host));
  await Promise.all(replacing.map(({ folder, spec }) => stopHost(layout, folder, spec)));
  for (const name of inStartOrder(setAside, last)) {
    const folder = await putBack(layout, name);
    const reason = await startAsBefore(folder, context);
    if (reason === undefined) outcome.reverted.push(name);
    else outcome.failed.push({ host: name, reason });
  }
  await forgetPrevious(layout);
  return outcome;
}

async function startAsBefore(
  folder: string,
  options: CommandContext & { programs: Programs },
): Promise<string | undefined> {
  const spec = await readSpec(folder);
  if (!spec) return 'its host.json cannot be read.';
  const { host, service, index, release } = spec;
  options.emit({ type: 'host.reverting', host, service, index, release });
  try {
    await untilHealthy(await launchAgain(folder, spec, options.programs), { ...options, patient: true });
    return undefined;
  } catch (error) {
    options.signal.throwIfAborted();
    const reason = asSentence(error instanceof Error ? error.message : String(error));
    const isTrying = isRunning((await readState(folder))?.supervisor);
    return isTrying ? `${reason} Its supervisor goes on trying.` : reason;
  }
}

async function stopAndTell(layout: LocalLayout, { folder, spec }: ObservedHost, emit: Emit): Promise<void> {
  await stopHost(layout, folder, spec);
  emit({ type: 'host.stopped', host: spec.host, service: spec.service, index: spec.index });
}

function inStartOrder(hosts: readonly string[], { services }: ServicesPlan): string[] {
  const position = (host: string) =>
    services.findIndex(({ name }) => host.startsWith(`${name}-`) && /^\d+$/.test(host.slice(name.length + 1)));
  return [...hosts].sort((a, b) => position(a) - position(b) || (a < b ? -1 : 1));
}
