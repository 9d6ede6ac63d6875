import { choosePrunable, type PrunePlan } from '../../store/index.js';
import { readDeployments } from './bucket/deployments.js';
import { readIndex } from './bucket/index-of-store.js';
import { type AwsContext, findInfrastructure, type Place } from './context.js';
import { findHosts } from './hosts/find-hosts.js';
import { releaseOf } from './infrastructure.js';
import { runsAtWork } from './worker/run-task.js';

/** What may go from the store, by its index: never what is current, what a host runs on, or what is being prepared. */
export async function planStorePrune(context: AwsContext, place: Place | undefined, keep: number): Promise<PrunePlan> {
  if (place === undefined) return { keep: [], remove: [], trees: [], aside: [], bytes: 0 };
  const [index, stack, hosts, runs, deployments] = await Promise.all([
    readIndex(place.bucket, place.outputs.FileSystemId),
    findInfrastructure(context),
    findHosts(context),
    runsAtWork(context, place),
    readDeployments(place.bucket),
  ]);
  const current = releaseOf(stack) ?? deployments.at(-1)?.release;
  const preparing = runs.flatMap(({ record }) => (record.task === 'prepare' ? (record.release ?? []) : []));
  const protect = new Map([
    ...hosts.map(({ release, host }) => [release, `${host} runs on it`] as const),
    ...preparing.map((release) => [release, 'being prepared'] as const),
  ]);
  // The index has names alone; a tree that no release holds has no size there.
  const sizes = new Map(index.releases.flatMap(({ packages }) => packages.map(({ tree, bytes }) => [tree, bytes])));
  const held = { records: index.releases, current, trees: [...index.trees].sort(), busy: preparing.length > 0 };
  return choosePrunable(held, { keep, protect }, async (tree) => sizes.get(tree) ?? 0);
}
