import { choosePrunable, type PrunePlan } from '../../store/index.js';
import { findHosts } from './hosts/find-hosts.js';
import { releaseOf } from './infrastructure/record.js';
import type { AwsLook } from './look.js';
import { runsAtWork } from './worker/run-task.js';

/** What may go from the store, by its index: never what is current, what a host runs on, or what is being prepared. */
export async function planStorePrune(look: AwsLook, keep: number): Promise<PrunePlan> {
  const place = await look.place();
  if (place === undefined) return { keep: [], remove: [], trees: [], aside: [], bytes: 0 };
  const [records, trees, stack, hosts, runs, last] = await Promise.all([
    look.releases(),
    look.trees(),
    look.infrastructure.state(),
    findHosts(look),
    runsAtWork(look.context, place),
    look.lastDeployment(),
  ]);
  const current = releaseOf(stack) ?? last?.release;
  const preparing = runs.flatMap(({ record }) => (record.task === 'prepare' ? (record.release ?? []) : []));
  const protect = new Map([
    ...hosts.map(({ release, host }) => [release, `${host} runs on it`] as const),
    ...preparing.map((release) => [release, 'being prepared'] as const),
  ]);
  // The index has names alone; a tree that no release holds has no size there.
  const sizes = new Map(records.flatMap(({ packages }) => packages.map(({ tree, bytes }) => [tree, bytes])));
  const held = { records, current, trees: [...trees].sort(), busy: preparing.length > 0 };
  return choosePrunable(held, { keep, protect }, async (tree) => sizes.get(tree) ?? 0);
}
