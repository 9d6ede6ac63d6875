import { once } from '../../core/once.js';
import { currentRelease, listReleases, type ReleaseRecord } from '../../store/index.js';
import type { DeployedRelease } from '../target.js';
import { type ObservedHost, observeHosts } from './hosts/observe.js';
import type { LocalLayout } from './layout.js';
import { readHistory } from './rollout/history.js';
import { hostsSetAside } from './rollout/previous.js';

/** A root as one look finds it: each part is read once, when it is first needed. Anyone who changes something looks again. */
export interface LocalLook {
  /** Each host, with what it answers. */
  observed(): Promise<ObservedHost[]>;
  /** Hosts of before, kept until a deployment has ended. */
  setAside(): Promise<string[]>;
  releases(): Promise<ReleaseRecord[]>;
  current(): Promise<string | undefined>;
  history(): Promise<DeployedRelease[]>;
}

export function lookAt(layout: LocalLayout): LocalLook {
  return {
    observed: once(() => observeHosts(layout)),
    setAside: once(() => hostsSetAside(layout)),
    releases: once(() => listReleases(layout.root)),
    current: once(() => currentRelease(layout.root)),
    history: once(() => readHistory(layout)),
  };
}
