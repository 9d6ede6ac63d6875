import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  changedTrees,
  executePrune,
  findScript,
  forgetTree,
  hasTrees,
  newRunId,
  planPrune,
  readRelease,
  readTree,
  storePaths,
  verifyStore,
} from '../../store/index.js';
import type { Target, TargetLook } from '../target.js';
import { checkServices } from './check.js';
import { openDatabase } from './database/index.js';
import { destroy, endTemporary } from './destroy.js';
import { exclusively } from './exclusively.js';
import { storeIsSafe } from './hosts/changed-files.js';
import { installedPrograms, type Programs } from './hosts/launch.js';
import { observedSpecs } from './hosts/observe.js';
import { type LocalLayout, layoutOf } from './layout.js';
import { emitLogs } from './logs.js';
import { lookAt } from './look.js';
import { applyServices, type PhaseTwo, planServices } from './rollout/apply.js';
import { specsSetAside } from './rollout/previous.js';
import { findSecretFaults } from './secrets.js';
import { hostsOf, statusOf } from './status.js';
import { prepare, workersAtWork } from './worker.js';

export interface LocalTargetSettings {
  environment: string;
  project: string;
  configFolder: string;
  /** The store's root: absolute. */
  root: string;
  /** Default: the installed ones. */
  programs?: Programs;
  /** For tests: how long a command that holds the lock may be silent. */
  leaseMs?: number;
}

/** A folder, child processes and loopback ports (docs/local-target.md). Touches nothing until it is asked to. */
export function openLocalTarget({
  root,
  programs = installedPrograms(),
  leaseMs,
  ...settings
}: LocalTargetSettings): Target {
  const layout = layoutOf(root);
  const phase = { layout, programs, database: openDatabase(layout, settings) };
  return {
    kind: 'local',
    root,
    holdings: root,
    look: () => targetLook(phase),
    async forgetTrees(trees) {
      for (const { tree } of trees) await forgetTree(root, tree);
    },
    prepare: (job, options) => prepare(job, options, layout, programs.agent),
    readScript: (script) => findScript(root, script),
    listTree: async (tree) =>
      (await hasTrees(root, [tree])).has(tree) ? (await readTree(root, tree)).entries : undefined,
    readFile: (tree, path) => readFile(join(storePaths(root).tree(tree), path)),
    logs: (source, options) => emitLogs(source, options, phase),
    destroy: (options) => destroy(phase, options),
    endTemporary: (options) => endTemporary(phase, options),
    verify: (what, { signal }) => verifyStore(root, { ...what, signal }),
    prune: async (plan, { signal, wait }) =>
      executePrune(root, newRunId(), plan, { protect: await releasesInUse(layout), signal, wait }),
    exclusively: (command, context, work) =>
      exclusively(layout, command, context, work, leaseMs === undefined ? {} : { leaseMs }),
  };
}

function targetLook(phase: PhaseTwo): TargetLook {
  const { layout } = phase;
  const { root } = layout;
  const look = lookAt(layout);
  return {
    async lookUp({ release, packages }) {
      const names = packages.map(({ tree }) => tree);
      const [record, trees] = await Promise.all([readRelease(root, release), hasTrees(root, names)]);
      return { release: record, trees };
    },
    changedTrees: async ({ packages }) => ((await storeIsSafe(layout)) ? [] : changedTrees(root, packages)),
    releases: look.releases,
    currentRelease: look.current,
    history: look.history,
    hosts: () => hostsOf(look),
    status: () => statusOf(look, phase),
    checkServices: (deployment) => checkServices(deployment, look, phase),
    secretFaults: findSecretFaults,
    planServices: (deployment) => planServices(deployment, look, phase),
    applyServices: (deployment, options) => applyServices(deployment, look, phase, options),
    planPrune: async (keep) => planPrune(root, { keep, protect: await releasesInUse(layout) }),
  };
}

/** What must not be pruned besides `current`, with the reason. */
async function releasesInUse(layout: LocalLayout): Promise<Map<string, string>> {
  const [specs, setAside, workers] = await Promise.all([
    observedSpecs(layout),
    specsSetAside(layout),
    workersAtWork(layout),
  ]);
  return new Map([
    ...setAside.map(({ release, host }) => [release, `${host} goes back to it`] as const),
    ...specs.map(({ release, host }) => [release, `${host} runs on it`] as const),
    ...workers.map(({ release }) => [release, 'being prepared'] as const),
  ]);
}
