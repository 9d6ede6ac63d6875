import type { CommandContext } from '../../../core/command-context.js';
import { canonicalJson, type Json } from '../../../core/digest.js';
import { asSentence, PrestageError } from '../../../core/errors.js';
import type { Emit } from '../../../core/events.js';
import { rm } from '../../../core/held-files.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { setCurrent } from '../../../store/index.js';
import type { DeployedRelease, Deployment, ServicesChange } from '../../target.js';
import type { LocalDatabase } from '../database/index.js';
import { demandUnchanged } from '../hosts/changed-files.js';
import { desiredHosts } from '../hosts/desired.js';
import { endForgotten } from '../hosts/forgotten.js';
import type { Programs } from '../hosts/launch.js';
import { observeHosts } from '../hosts/observe.js';
import { assignPorts } from '../hosts/ports.js';
import { preparedAgain } from '../hosts/prepared-again.js';
import { stopHost } from '../hosts/stop.js';
import { untilHealthy } from '../hosts/until-healthy.js';
import type { LocalLayout } from '../layout.js';
import { type LocalLook, lookAt } from '../look.js';
import { hostChanges, isSettled, planRollout, type RolloutPlan } from './changes.js';
import { fallbackFailure, followFallback, placeJob, withFallback } from './fallback.js';
import { recordDeployment } from './history.js';
import { forgetPrevious } from './previous.js';
import { revert, stopAll } from './revert.js';
import { rollOut } from './roll-out.js';

export interface PhaseTwo {
  layout: LocalLayout;
  database: LocalDatabase;
  programs: Programs;
}

/** What is, compared with what a deployment wants. */
interface Comparison {
  plan: RolloutPlan;
  history: DeployedRelease[];
  current: string | undefined;
  database: Awaited<ReturnType<LocalDatabase['plan']>>;
  /** Whether nothing at all is to be done. */
  settled: boolean;
  /** Whether `current` and the history say so already. */
  recorded: boolean;
}

async function compare(
  deployment: Deployment,
  look: LocalLook,
  { layout, database, programs }: PhaseTwo,
): Promise<Comparison> {
  const { release, services } = deployment;
  const [observed, history, current, setAside, databasePlan, databaseUrl] = await Promise.all([
    look.observed(),
    look.history(),
    look.current(),
    look.setAside(),
    database.plan(services.database),
    database.url(),
  ]);
  const ports = await assignPorts(
    services,
    observed.map(({ spec }) => spec),
  );
  const desired = desiredHosts(release, {
    root: layout.root,
    release: release.release,
    services,
    ports,
    databaseUrl: services.database && databaseUrl,
  });
  const plan = planRollout(
    layout,
    services,
    withFallback(desired, deployment, observed, { layout, programs }),
    observed,
    await preparedAgain(layout, observed),
  );
  const last = history.at(-1);
  const recorded = current === release.release && last?.release === release.release && same(last.services, services);
  const databaseSettled = databasePlan.action === 'none' || (databasePlan.action === 'keep' && databasePlan.running);
  return {
    plan,
    history,
    current,
    database: databasePlan,
    recorded,
    settled: isSettled(plan) && databaseSettled && setAside.length === 0,
  };
}

export async function planServices(deployment: Deployment, look: LocalLook, phase: PhaseTwo): Promise<ServicesChange> {
  const { plan, database, settled, recorded } = await compare(deployment, look, phase);
  return {
    action: settled && recorded ? 'unchanged' : 'apply',
    reason: reasonOf(plan, database, { settled, recorded }),
    hosts: hostChanges(plan),
    database: database.action,
  };
}

function reasonOf(
  { hosts, remove }: RolloutPlan,
  database: Comparison['database'],
  { settled, recorded }: { settled: boolean; recorded: boolean },
): string {
  if (settled)
    return recorded ? 'every host is healthy and as it should be' : 'no host changes; the release becomes current';
  const changes = hosts.filter(({ action }) => action !== 'keep').length;
  if (changes + remove.length === 0) return databaseReason(database) ?? 'the last deployment was not finished';
  return `${changes} of ${hosts.length} hosts to start or replace, ${remove.length} to remove`;
}

function databaseReason({ action, running }: Comparison['database']): string | undefined {
  if (action === 'create') return 'the database is new';
  if (action === 'remove') return 'the database is no longer wanted';
  return action === 'keep' && !running ? 'the database does not run' : undefined;
}

/** Makes the hosts be as the deployment says. On failure they are back as they were, and `current` has not moved. */
export async function applyServices(
  deployment: Deployment,
  look: LocalLook,
  phase: PhaseTwo,
  options: CommandContext,
): Promise<'applied' | 'unchanged'> {
  const { layout, database, programs } = phase;
  const { services } = deployment;
  const { emit } = options;
  const reservedPorts = new Set(services.services.flatMap(({ port }) => port ?? []));
  const started = services.database ? await database.provide(services.database, { emit, reservedPorts }) : false;
  // Hosts may have got well with their database.
  const now = started ? lookAt(layout) : look;
  const { plan, history, current, settled, recorded } = await compare(deployment, now, phase);
  if (!settled) await endForgotten(layout, emit);
  await placeJob(plan, deployment, layout.root);
  try {
    const followPreparation = (signal: AbortSignal) => followFallback(plan, { ...options, signal });
    await rollOut(plan, { ...options, programs, revertible: history.length > 0, followPreparation });
    if (!settled) {
      await allHealthy(plan, options);
      await demandUnchanged(layout, deployment.release.release);
    }
  } catch (error) {
    options.signal.throwIfAborted();
    throw await rolledBack((await fallbackFailure(plan)) ?? error, history.at(-1), phase, {
      ...options,
      keep: deployment.keep ?? false,
    });
  }
  options.signal.throwIfAborted();
  await removeHosts(plan, emit);
  if (!services.database) await database.stop(emit);
  options.signal.throwIfAborted();
  if (!recorded) await record(deployment, layout, { previous: current, emit });
  await forgetPrevious(layout);
  return settled && recorded && !started ? 'unchanged' : 'applied';
}

/** Each host was healthy when it was started. All must be so now, too: a program may have ended since. @throws HOST_FAILED */
async function allHealthy({ layout, hosts }: RolloutPlan, options: CommandContext): Promise<void> {
  const wanted = new Set(hosts.map(({ spec }) => spec.host));
  const observed = await observeHosts(layout);
  const down = observed.filter(({ spec, condition }) => wanted.has(spec.host) && condition !== 'healthy');
  await Promise.all(
    down.map(({ spec, folder, state }) => untilHealthy({ spec, folder, supervisor: state?.supervisor }, options)),
  );
}

async function removeHosts({ layout, remove }: RolloutPlan, emit: Emit): Promise<void> {
  await Promise.all(
    remove.map(async ({ folder, spec }) => {
      await stopHost(layout, folder, spec);
      await rm(folder, { recursive: true, force: true });
      emit({ type: 'host.stopped', host: spec.host, service: spec.service, index: spec.index });
    }),
  );
}

async function record(
  { release, services }: Deployment,
  layout: LocalLayout,
  { previous, emit }: { previous: string | undefined; emit: Emit },
): Promise<void> {
  if (previous !== release.release) {
    await setCurrent(layout.root, release.release);
    emit({ type: 'release.current', release: release.release, ...(previous === undefined ? {} : { previous }) });
  }
  await recordDeployment(layout, release.release, services);
}

/** Brings the hosts back, and says in the error what became of them. */
async function rolledBack(
  error: unknown,
  last: DeployedRelease | undefined,
  { layout, programs }: PhaseTwo,
  options: CommandContext & { keep: boolean },
): Promise<unknown> {
  if (!last) {
    const { stopped, kept } = await stopAll(layout, options);
    const outcome =
      kept.length === 0
        ? 'its hosts have been stopped, their logs are kept.'
        : `${kept.join(', ')} stayed for the next try, the others have been stopped. \`prestage destroy\` ends them all.`;
    return withOutcome(error, `This was the first deployment: ${outcome}`, { stopped, kept });
  }
  const { reverted, removed, failed } = await revert(layout, last.services, { programs, ...options });
  const sentences = [
    ...(reverted.length > 0
      ? [`${reverted.join(', ')} went back to what ${reverted.length === 1 ? 'it was' : 'they were'}.`]
      : []),
    ...(removed.length > 0 ? [`${removed.join(', ')} ${removed.length === 1 ? 'was' : 'were'} removed again.`] : []),
    ...failed.map(({ host, reason }) => `${host} could not be brought back: ${reason}`),
    `Release ${last.release} is still current.`,
  ];
  return withOutcome(error, sentences.join(' '), { reverted, removed, notReverted: failed.map(({ host }) => host) });
}

function withOutcome(error: unknown, outcome: string, context: Record<string, unknown>): unknown {
  if (!(error instanceof PrestageError)) return error;
  return error.with({
    message: `${asSentence(error.message)} ${outcome}`,
    context: { ...error.context, ...context },
  });
}

function same(a: ServicesPlan, b: ServicesPlan): boolean {
  return canonicalJson(a as Json) === canonicalJson(b as Json);
}
