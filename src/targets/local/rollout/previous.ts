import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../../core/errors.js';
import { rename, rm } from '../../../core/held-files.js';
import type { ObservedHost } from '../hosts/observe.js';
import { type HostSpec, readSpec } from '../hosts/spec.js';
import { hostFolder, type LocalLayout } from '../layout.js';

/**
 * While a rollout is under way, the folders of the hosts that it replaced lie in `hosts/.previous/`, with their working
 * files and logs. Going back is to move them back. A rollout that was killed leaves them, so that the next one knows
 * what the last good state was; only one that succeeds removes them.
 */
export async function setAside(layout: LocalLayout, { folder, spec, condition }: ObservedHost): Promise<void> {
  const place = join(layout.previous, spec.host);
  // What the killed rollout had put there is newer than the last good state; and a host that failed is nothing to go back to.
  if (existsSync(place) || condition === 'failed') return rm(folder, { recursive: true, force: true });
  await mkdir(layout.previous, { recursive: true });
  await rename(folder, place);
}

/** The names of the hosts that can be put back. */
export async function hostsSetAside(layout: LocalLayout): Promise<string[]> {
  try {
    return (await readdir(layout.previous)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** What they are: the releases that they ran on are needed until the rollout, or its repetition, ends. */
export async function specsSetAside(layout: LocalLayout): Promise<HostSpec[]> {
  const names = await hostsSetAside(layout);
  const specs = await Promise.all(names.map((name) => readSpec(join(layout.previous, name))));
  return specs.filter((spec) => spec !== undefined);
}

/** Puts a host's folder back in place of the one that is there, whose processes have ended. */
export async function putBack(layout: LocalLayout, host: string): Promise<string> {
  const folder = hostFolder(layout, host);
  await rm(folder, { recursive: true, force: true });
  await rename(join(layout.previous, host), folder);
  return folder;
}

export async function forgetPrevious(layout: LocalLayout): Promise<void> {
  await rm(layout.previous, { recursive: true, force: true });
}
