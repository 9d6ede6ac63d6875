import { setTimeout as sleep } from 'node:timers/promises';
import type { Emit } from '../../../core/events.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { describeStack, type Template } from '../cloudformation/stack-state.js';
import type { AwsContext, Place } from '../environment/context.js';
import { infrastructureStackName } from '../environment/names.js';
import { isGone } from '../worker/machines.js';
import { everyHost, type HostMachine } from './every-host.js';
import { type HostReport, hostLogTail, readHostReport } from './host-report.js';
import { lossOf, signalFailure } from './lost-host.js';
import { hostsOfTemplate } from './template-hosts.js';

const POLL_MS = 2000;

interface Following {
  services: ServicesPlan;
  /** What CloudFormation is at work on. */
  template: Template;
  /** The hosts that were there before. */
  before: readonly HostMachine[];
  until: Promise<unknown>;
  emit: Emit;
  /** How long a host may say nothing; in ms, for tests. */
  silentMs?: number;
}

/** A host that said that it failed, or that was lost without a word. */
export interface FailedHost {
  host: string;
  service: string;
  index: number;
  instance: string;
  reason: string;
  log: string[];
}

/**
 * Tells of the hosts that come into being while CloudFormation is at work, by what they say in the bucket, and ends the wait for
 * one that is lost. It never fails: what it cannot read now it reads the next time.
 * @returns the hosts that failed, once `until` is settled
 */
export async function followHosts(
  context: AwsContext,
  { bucket, scope }: Pick<Place, 'bucket' | 'scope'>,
  { services, template, before, until, emit, silentMs }: Following,
): Promise<FailedHost[]> {
  const known = new Set(before.map(({ machine }) => machine.id));
  const replaced = new Set(before.filter(({ machine }) => !isGone(machine)).map(({ host }) => host));
  const seen = new Map<string, { since: number; state: string }>();
  const failed: FailedHost[] = [];
  const made = hostsOfTemplate(template);
  /** Ends the wait for a host that never will come up; not while CloudFormation itself takes hosts away. */
  const giveUp = async (found: HostMachine, sinceMs: number, reported: boolean): Promise<void> => {
    const { session } = context;
    const { host, machine } = found;
    const resource = made.get(host)?.resource;
    const patience = { sinceMs, reported, ...(silentMs === undefined ? {} : { silentMs }) };
    const reason = await lossOf(session.ec2, machine, patience);
    if (reason === undefined || resource === undefined) return;
    const stack = infrastructureStackName(scope);
    if ((await describeStack(session.cloudFormation, stack))?.status.includes('ROLLBACK')) return;
    await signalFailure(session, {
      stack,
      handle: `${resource}Signal`,
      instance: machine.id,
      reason: `${host}: ${reason}`,
    });
    failed.push(await tellOfFailure(found, { detail: reason }, { bucket, emit }));
  };
  const look = async () => {
    // Those that are gone again as well: one that failed is removed at once.
    for (const found of await everyHost(context)) {
      if (known.has(found.machine.id)) continue;
      const { host, service, index, machine } = found;
      const about = { host, service, index };
      const port = services.services.find(({ name }) => name === service)?.port;
      const at = { address: machine.address ?? '', ...(port === undefined ? {} : { port }) };
      const earlier = seen.get(machine.id);
      if (earlier === undefined) emit({ type: 'host.starting', ...about, ...at, replaces: replaced.has(host) });
      const { since, state: last } = earlier ?? { since: performance.now(), state: '' };
      const report = await readHostReport(bucket, host, machine.id);
      const state = report?.state ?? 'starting';
      seen.set(machine.id, { since, state });
      if (failed.length === 0 && state !== 'healthy' && state !== 'failed')
        await giveUp(found, performance.now() - since, report !== undefined);
      if (report === undefined || state === last) continue;
      if (state === 'preparing' || state === 'waiting')
        emit({ type: 'host.files', ...about, state, release: report.release });
      if (state === 'healthy')
        emit({ type: 'host.healthy', ...about, ...at, durationMs: Math.round(performance.now() - since) });
      if (state === 'failed') failed.push(await tellOfFailure(found, report, { bucket, emit }));
    }
  };
  let done = false;
  const end = Promise.allSettled([until]).then(() => {
    done = true;
  });
  while (!done) {
    await look().catch(() => {});
    await Promise.race([end, sleep(POLL_MS)]);
  }
  await look().catch(() => {});
  return failed;
}

async function tellOfFailure(
  { host, service, index, machine }: HostMachine,
  { detail }: Pick<HostReport, 'detail'>,
  { bucket, emit }: Pick<Place, 'bucket'> & { emit: Emit },
): Promise<FailedHost> {
  const log = await hostLogTail(bucket, host, machine.id).catch(() => []);
  const reason = detail ?? 'it did not say why';
  emit({ type: 'host.failed', host, service, index, reason, log });
  return { host, service, index, instance: machine.id, reason, log };
}
