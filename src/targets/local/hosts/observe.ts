import { readdir } from 'node:fs/promises';
import { errnoOf } from '../../../core/errors.js';
import { isRunning } from '../../../core/process-identity.js';
import type { HostStatus } from '../../target.js';
import { hostFolder, type LocalLayout } from '../layout.js';
import { endings } from './endings.js';
import { probe } from './health.js';
import { type HostSpec, readSpec } from './spec.js';
import { type HostState, readState } from './state.js';

/** A host without a check counts as healthy when its program has run for this long. */
const STEADY_MS = 500;

export const GONE = 'its processes are gone';

/** A host as it is now. */
export interface ObservedHost {
  spec: HostSpec;
  folder: string;
  state: HostState | undefined;
  condition: HostStatus['state'];
  detail: string;
}

/** All hosts of a root, in order; probed at the same time. Folders that are no hosts are not looked at. */
export async function observeHosts(layout: LocalLayout): Promise<ObservedHost[]> {
  return Promise.all(
    (await observedSpecs(layout)).map(async (spec) => {
      const folder = hostFolder(layout, spec.host);
      const state = await readState(folder);
      return { spec, folder, state, ...(await conditionOf(spec, folder, state)) };
    }),
  );
}

/** What the hosts of a root are, without a look at how they are: by service, then by index. */
export async function observedSpecs(layout: LocalLayout): Promise<HostSpec[]> {
  const specs = await Promise.all((await folderNames(layout.hosts)).map((name) => readSpec(hostFolder(layout, name))));
  return specs
    .filter((spec) => spec !== undefined)
    .sort((a, b) => (a.service === b.service ? a.index - b.index : a.service < b.service ? -1 : 1));
}

async function folderNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** What state.json says, checked against what runs, and what the host answers. */
export async function conditionOf(
  spec: HostSpec,
  folder: string,
  state: HostState | undefined,
): Promise<Pick<ObservedHost, 'condition' | 'detail'>> {
  if (!state) return { condition: 'stopped', detail: 'it was never started in this folder' };
  if (state.phase === 'failed') return { condition: 'failed', detail: state.reason ?? 'it failed' };
  if (state.phase === 'stopped') return { condition: 'stopped', detail: 'it was stopped' };
  if (state.phase !== 'done' && !isRunning(state.supervisor)) {
    // It may have written its last state, and ended, since `state` was read.
    const last = await readState(folder);
    if (last && last.phase !== state.phase) return conditionOf(spec, folder, last);
    if (isOrphaned(state))
      return {
        condition: 'unhealthy',
        detail: 'its supervisor is gone, but its program runs: `deploy` gives it another supervisor',
      };
    return { condition: 'stopped', detail: GONE };
  }
  if (state.phase === 'waiting-for-port')
    return {
      condition: 'unhealthy',
      detail: `connections of before still hold its port ${spec.port} (TIME_WAIT, up to a minute)${exits(state)}`,
    };
  if (state.phase !== 'done' && state.phase !== 'running')
    return { condition: 'starting', detail: phaseInWords(state) };
  // Anyone who answers in its place: between two starts a program is not healthy.
  if (state.phase === 'running' && !isRunning(state.child))
    return {
      condition: state.restarts === 0 ? 'starting' : 'unhealthy',
      detail: `its program does not run${exits(state)}`,
    };
  if (!spec.health || spec.port === undefined) return withoutCheck(state);
  const { ok, detail } = await probe(spec.health, spec.address, spec.port);
  if (ok) return { condition: 'healthy', detail: `${detail}${exits(state)}` };
  return {
    condition: isWithinLimit(spec.health.timeoutMs, state) ? 'starting' : 'unhealthy',
    detail: `${detail}${exits(state)}`,
  };
}

/** A program that runs without its supervisor, because that was killed: another one can take it over, on Linux. */
export function isOrphaned(state: HostState | undefined): boolean {
  return (
    process.platform === 'linux' && state?.phase === 'running' && !isRunning(state.supervisor) && isRunning(state.child)
  );
}

function withoutCheck(state: HostState): Pick<ObservedHost, 'condition' | 'detail'> {
  if (state.phase === 'done')
    return {
      condition: 'healthy',
      detail: state.lastExit ? `its program ended (${state.lastExit})` : 'boot succeeded',
    };
  const steady = state.runStartedAt !== undefined && Date.now() - Date.parse(state.runStartedAt) >= STEADY_MS;
  if (steady) return { condition: 'healthy', detail: `its program runs${exits(state)}` };
  return {
    condition: state.restarts === 0 ? 'starting' : 'unhealthy',
    detail: `its program has just been started${exits(state)}`,
  };
}

function isWithinLimit(timeoutMs: number, { restarts, runStartedAt }: HostState): boolean {
  return restarts === 0 && runStartedAt !== undefined && Date.now() - Date.parse(runStartedAt) < timeoutMs;
}

function exits(state: HostState): string {
  return state.restarts === 0 ? '' : `; it ${endings(state)}`;
}

function phaseInWords({ phase }: HostState): string {
  switch (phase) {
    case 'waiting-for-files':
      return 'it waits for its files';
    case 'preparing':
      return 'it prepares the files';
    case 'booting':
      return 'its boot script runs';
    default:
      return 'it starts';
  }
}
