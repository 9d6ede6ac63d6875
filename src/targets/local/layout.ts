import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, shortDigest } from '../../core/digest.js';

/** Where the local target keeps its things, beside the store's names in the same root (docs/local-target.md). */
export interface LocalLayout {
  root: string;
  hosts: string;
  /** The folders of hosts that a rollout replaced, until it ends: what it goes back to. */
  previous: string;
  deployments: string;
  database: string;
  runs: string;
  deployLock: string;
  /** Room that commands which free space need themselves (full-disk.ts). */
  reserve: string;
}

export function layoutOf(root: string): LocalLayout {
  const hosts = join(root, 'hosts');
  return {
    root,
    hosts,
    previous: join(hosts, '.previous'),
    deployments: join(root, 'deployments'),
    database: join(root, 'database'),
    runs: join(root, 'runs'),
    deployLock: join(root, 'deploy.lock'),
    reserve: join(root, '.reserve'),
  };
}

/** The files of one host, in its own folder. */
export function hostFiles(folder: string) {
  return {
    spec: join(folder, 'host.json'),
    state: join(folder, 'state.json'),
    /** Holds the digest of the host.json that `boot` succeeded for. */
    booted: join(folder, 'booted'),
    work: join(folder, 'work'),
    log: join(folder, 'host.log'),
  };
}

/** How many logs of a host are kept beside the one that is being written. */
export const KEPT_LOGS = 4;

/** The log that was rotated so often: 0 is the one that is being written. */
export function rotatedLog(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number}`;
}

export function hostFolder(layout: LocalLayout, host: string): string {
  return join(layout.hosts, host);
}

/** What a root is called in the environment of its processes: the same for every way to write its path. */
export function rootId(root: string): string {
  return shortDigest(sha256(resolved(root)));
}

/** What every process of a host carries in its environment (processes/marked.ts). */
export function hostMark(root: string, host: string): string {
  return `${rootId(root)}/${host}`;
}

function resolved(root: string): string {
  try {
    return realpathSync(root);
  } catch {
    return root;
  }
}
