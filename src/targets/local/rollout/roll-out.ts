import type { CommandContext } from '../../../core/command-context.js';
import { rm } from '../../../core/held-files.js';
import { type LaunchedHost, launchAgain, launchNew, type Programs, takeOver } from '../hosts/launch.js';
import type { ObservedHost } from '../hosts/observe.js';
import { stopHost } from '../hosts/stop.js';
import { placeOf, untilHealthy } from '../hosts/until-healthy.js';
import type { LocalLayout } from '../layout.js';
import type { PlannedHost, RolloutPlan } from './changes.js';
import { setAside } from './previous.js';
import { turns } from './turns.js';

export interface RolloutContext extends CommandContext {
  programs: Programs;
  /** Whether there is a healthy deployment to go back to: then what is replaced is set aside. */
  revertible: boolean;
  /** Where no worker ran: follows what the jump host's agent does, once that host is started. Its failure is the host's. */
  followPreparation: (signal: AbortSignal) => Promise<void>;
}

interface HostContext extends RolloutContext {
  layout: LocalLayout;
  /** All hosts that were there, those included that are to be removed. */
  observed: readonly ObservedHost[];
  /** Ends a host that was there, once: to replace it, or because another one is to have its port. */
  clear: (host: ObservedHost) => Promise<void>;
}

/**
 * Makes the hosts be as planned. A service begins when those that it waits for are healthy. New hosts start together;
 * running ones are replaced one at a time, over all services, so that no more than one is missing at any moment.
 * @throws what failed first, after everything that was under way has settled
 */
export async function rollOut(plan: RolloutPlan, context: RolloutContext): Promise<void> {
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  let first: { error: unknown } | undefined;
  const guarded = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      first ??= { error };
      failure.abort(error);
      throw error;
    }
  };

  const { layout } = plan;
  const hostContext: HostContext = {
    ...context,
    signal,
    layout,
    observed: [...plan.hosts.flatMap(({ existing }) => existing ?? []), ...plan.remove],
    clear: onceEach((host) => clearHost(host, layout, context)),
  };
  const inTurn = turns();
  const jump = plan.hosts.find(({ spec }) => spec.fallback?.role === 'prepares');
  const finished = new Map<string, Promise<void>>();
  // The jump host comes first where it prepares the files: all others need them, whatever it would wait for itself.
  const services = [...plan.services.services].sort(
    (a, b) => Number(b.name === jump?.spec.service) - Number(a.name === jump?.spec.service),
  );
  for (const service of services) {
    const hosts = plan.hosts.filter(({ spec }) => spec.service === service.name);
    const begin = Promise.all(
      jump?.spec.service === service.name ? [] : service.after.map((name) => finished.get(name)),
    );
    const work = () =>
      rollOutService(hosts, hostContext, { inTurn, filesReady: jump && finished.get(jump.spec.service) });
    const done = guarded(async () => {
      await begin;
      signal.throwIfAborted();
      await work();
    });
    finished.set(service.name, done);
  }
  if (jump)
    finished.set(
      '',
      guarded(() => context.followPreparation(signal)),
    );
  await Promise.allSettled(finished.values());
  if (first) throw first.error;
}

async function rollOutService(
  hosts: readonly PlannedHost[],
  context: HostContext,
  { inTurn, filesReady }: { inTurn: <T>(work: () => Promise<T>) => Promise<T>; filesReady: Promise<void> | undefined },
): Promise<void> {
  const isServing = ({ action, existing }: PlannedHost) =>
    action === 'replace' && (existing?.condition === 'healthy' || existing?.condition === 'starting');
  await settled(hosts.filter((host) => !isServing(host)).map((host) => rollOutHost(host, context)));
  for (const host of hosts.filter(isServing)) {
    // A host that serves is not stopped for files that are yet to be prepared.
    if (host.spec.fallback?.role === 'waits') await filesReady;
    await inTurn(() => rollOutHost(host, context));
  }
}

async function rollOutHost(host: PlannedHost, context: HostContext): Promise<void> {
  const { spec, existing, action } = host;
  context.signal.throwIfAborted();
  if (action === 'keep' && existing?.condition === 'healthy') {
    context.emit({ type: 'host.unchanged', ...placeOf(spec) });
    return;
  }
  if (action !== 'keep')
    context.emit({
      type: 'host.starting',
      ...placeOf(spec),
      replaces: existing !== undefined && action !== 'adopt',
      ...(boots(host) ? { boots: true as const } : {}),
    });
  await untilHealthy(await launch(host, context), context);
}

function boots({ spec, action }: PlannedHost): boolean {
  return spec.boot !== undefined && (action === 'create' || action === 'replace');
}

async function launch({ spec, existing, action }: PlannedHost, context: HostContext): Promise<LaunchedHost> {
  const { layout, programs, observed, clear } = context;
  if (existing && action === 'keep') return { spec, folder: existing.folder, supervisor: existing.state?.supervisor };
  // Services may swap ports, or take over that of one that is removed. Anyone who still listens there would answer our check.
  const holders = observed.filter((other) => other.spec.port === spec.port && other.spec.host !== spec.host);
  if (spec.port !== undefined) await Promise.all(holders.map(clear));
  if (existing && action === 'adopt') return takeOver(existing.folder, spec, programs);
  if (existing && action === 'restart') {
    await stopHost(layout, existing.folder, existing.spec);
    return launchAgain(existing.folder, spec, programs);
  }
  if (existing) await clear(existing);
  return launchNew(layout, spec, programs);
}

async function clearHost(host: ObservedHost, layout: LocalLayout, { revertible }: RolloutContext): Promise<void> {
  await stopHost(layout, host.folder, host.spec);
  if (revertible) await setAside(layout, host);
  else await rm(host.folder, { recursive: true, force: true });
}

function onceEach(work: (host: ObservedHost) => Promise<void>): (host: ObservedHost) => Promise<void> {
  const begun = new Map<ObservedHost, Promise<void>>();
  return (host) => {
    const done = begun.get(host) ?? work(host);
    begun.set(host, done);
    return done;
  };
}

/** Waits for all, then throws the first failure: nothing is left under way. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
