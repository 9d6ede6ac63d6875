import { readdir } from 'node:fs/promises';
import { errnoOf } from '../../core/errors.js';
import { currentRelease, inspectLease, listReleases, storePaths } from '../../store/index.js';
import type { HostStatus, TargetStatus } from '../target.js';
import { type ObservedHost, observeHosts } from './hosts/observe.js';
import type { LocalLayout } from './layout.js';
import type { PhaseTwo } from './rollout/apply.js';
import { hostsSetAside } from './rollout/previous.js';
import { workersAtWork } from './worker.js';

/** What is there now: every host is asked, every process looked at. */
export async function statusOf({ layout, database }: PhaseTwo): Promise<TargetStatus> {
  const [release, records, temporary, hosts, databaseStatus] = await Promise.all([
    currentRelease(layout.root),
    listReleases(layout.root),
    temporaryThings(layout),
    observeHosts(layout),
    database.status(),
  ]);
  return {
    release,
    releases: records.map((record) => record.release),
    temporary,
    hosts: hosts.map((host) => ({ ...hostStatus(host), ...urlOf(host) })),
    database: databaseStatus,
  };
}

/** A healthy host whose program had to be started again says so: it may be on its way to fail. */
function hostStatus({ spec, condition, detail, state }: ObservedHost): HostStatus {
  const { service, index, address, port, release } = spec;
  const isPlain = condition === 'healthy' && !state?.restarts;
  return { service, index, address, port, release, state: condition, ...(isPlain ? {} : { detail }) };
}

function urlOf({ spec: { address, port, health } }: ObservedHost): Pick<HostStatus, 'url'> {
  return health?.kind === 'http' && port !== undefined
    ? { url: `${health.secure ? 'https' : 'http'}://${address}:${port}` }
    : {};
}

/** What exists only for a while. */
async function temporaryThings(layout: LocalLayout): Promise<TargetStatus['temporary']> {
  const [workers, staging, setAside, command] = await Promise.all([
    workersAtWork(layout),
    names(storePaths(layout.root).staging),
    hostsSetAside(layout),
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
