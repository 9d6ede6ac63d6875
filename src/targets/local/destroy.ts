import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../../core/command-context.js';
import { errnoOf } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { collectLeftovers, removeAll, storePaths } from '../../store/index.js';
import type { DestroyOptions } from '../target.js';
import { forgetChanged, pathsOf } from './hosts/changed-files.js';
import { type ObservedHost, observeHosts } from './hosts/observe.js';
import { endStrays, stopHost } from './hosts/stop.js';
import { type LocalLayout, rootId } from './layout.js';
import type { PhaseTwo } from './rollout/apply.js';
import { stopWorkers } from './worker.js';

/**
 * Ends every process of the root, and removes what was deployed. The store, the runs' logs and the database's data stay,
 * unless `purge`; then all that is ours goes, and nothing else that somebody may have put into the root. What is in use
 * stays as well, and is named.
 * @throws PROCESS_STUCK; the signal's reason: then what it has not removed yet stays
 */
export async function destroy({ layout, database }: PhaseTwo, { purge, ...context }: DestroyOptions): Promise<void> {
  const { emit, signal } = context;
  await endTemporary({ layout }, context);
  signal.throwIfAborted();
  const hosts = await observeHosts(layout);
  await Promise.all(
    hosts.map(async ({ folder, spec }) => {
      await stopHost(layout, folder, spec);
      emit({ type: 'host.stopped', host: spec.host, service: spec.service, index: spec.index });
    }),
  );
  signal.throwIfAborted();
  if (!purge) await tellChanged(layout, hosts, emit);
  await database.stop(emit);
  // Whatever no folder tells of any more.
  await endStrays(`${rootId(layout.root)}/`, { exact: false });
  await remove(context, layout.hosts, layout.deployments, storePaths(layout.root).current);
  if (purge) await purgeRoot(layout, context);
}

/** What hosts wrote into the prepared files until they were stopped, which takes those packages' readiness away. */
async function tellChanged(layout: LocalLayout, hosts: readonly ObservedHost[], emit: Emit): Promise<void> {
  for (const release of new Set(hosts.map(({ spec }) => spec.release)))
    for (const changed of await forgetChanged(layout, release))
      emit({
        type: 'notice',
        message: `Hosts wrote into the prepared files of ${changed.package}, which is prepared again by the next deployment: ${pathsOf([changed])}.`,
      });
}

/** Ends workers at work, and removes what is left of those that died. What they have finished stays. */
export async function endTemporary(
  { layout }: Pick<PhaseTwo, 'layout'>,
  { emit, signal }: CommandContext,
): Promise<void> {
  for (const run of await stopWorkers(layout)) emit({ type: 'notice', message: `Stopped the worker of run ${run}.` });
  signal.throwIfAborted();
  const removed = await collectLeftovers(layout.root);
  if (removed > 0) emit({ type: 'store.collected', removed });
}

async function purgeRoot(layout: LocalLayout, context: CommandContext): Promise<void> {
  const { trees, releases, staging, lock, aside } = storePaths(layout.root);
  await remove(context, releases, trees, staging, aside, layout.reserve, lock, layout.database, layout.runs);
  await remove(context, ...(await temporaryFiles(layout.root)));
}

/** Files on their way to their final name, of processes that were killed. */
async function temporaryFiles(root: string): Promise<string[]> {
  try {
    return (await readdir(root)).filter((name) => name.startsWith('.tmp-')).map((name) => join(root, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function remove({ emit, signal }: CommandContext, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    signal.throwIfAborted();
    if (await removeAll(path)) continue;
    emit({
      type: 'notice',
      message: `A program has a file in ${path} open, which stays for now. Once it has closed it, run this command again.`,
    });
  }
}
