import { readdir } from 'node:fs/promises';
import { errnoOf } from '../../core/errors.js';
import { inspectLease, storePaths } from '../../store/index.js';
import type { HostStatus, TargetStatus } from '../target.js';
import type { ObservedHost } from './hosts/observe.js';
import type { LocalLayout } from './layout.js';
import type { LocalLook } from './look.js';
import type { PhaseTwo } from './rollout/apply.js';
import { workersAtWork } from './worker.js';

/** What is there now: every host is asked, every process looked at. */
export async function statusOf(look: LocalLook, { layout, database }: PhaseTwo): Promise<TargetStatus> {
  const [release, records, temporary, hosts, databaseStatus] = await Promise.all([
    look.current(),
    look.releases(),
    temporaryThings(look, layout),
    hostsOf(look),
    database.status(),
  ]);
  return {
    release,
    releases: records.map((record) => record.release),
    temporary,
    hosts,
    database: databaseStatus,
  };
}

export async function hostsOf(look: LocalLook): Promise<HostStatus[]> {
  return (await look.observed()).map((host) => ({ ...hostStatus(host), ...urlOf(host) }));
}

/** A healthy host whose program had to be started again says so: it may be on its way to fail. */
function hostStatus({ spec, condition, detail, state }: ObservedHost): HostStatus {
  const { service, index, address, port, release } = spec;
  const isPlain = condition === 'healthy' && !state?.restarts && state?.lastExit === undefined;
  return { service, index, address, port, release, state: condition, ...(isPlain ? {} : { detail }) };
}

function urlOf({ spec: { address, port, health } }: ObservedHost): Pick<HostStatus, 'url'> {
  return health?.kind === 'http' && port !== undefined
    ? { url: `${health.secure ? 'https' : 'http'}://${address}:${port}` }
    : {};
}

/** What exists only for a while. */
async function temporaryThings(look: LocalLook, layout: LocalLayout): Promise<TargetStatus['temporary']> {
  const [workers, staging, setAside, command] = await Promise.all([
    workersAtWork(layout),
    names(storePaths(layout.root).staging),
    look.setAside(),
    inspectLease(layout.deployLock),
  ]);
  const atWork = new Set(workers.map(({ run }) => run));
  return [
    ...workers.map(({ run, release }) => ({ kind: 'worker', id: run, detail: `prepares release ${release}` })),
    ...staging
      .filter((run) => !atWork.has(run))
      .map((run) => ({ kind: 'leftover', id: run, detail: 'of a run that died; the next preparation removes it' })),
    ...setAside.map((host) => ({
      kind: 'replaced host',
      id: host,
      detail: 'kept until the deployment under way, or its repetition, ends',
    })),
    ...(command?.alive
      ? [
          {
            kind: 'command',
            id: command.holder.run,
            detail: `${command.holder.purpose}, process ${command.holder.pid}`,
          },
        ]
      : []),
  ];
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
