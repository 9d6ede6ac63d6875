import { PrestageError } from '../../core/errors.js';
import type { AwsEnvironment } from '../../plan/index.js';
import type { ReleaseRecord } from '../../store/index.js';
import type { Target } from '../target.js';
import { applyInfrastructure } from './apply.js';
import { readDeployments } from './bucket/deployments.js';
import { readIndex } from './bucket/index-of-store.js';
import { checkInfrastructure } from './check.js';
import { findInfrastructure, findPlace, openContext, type Place } from './context.js';
import { destroy, endTemporary } from './destroy.js';
import { CommandLock } from './exclusively.js';
import { ensureFoundation } from './foundation.js';
import { releaseOf } from './infrastructure.js';
import { emitLogs } from './logs.js';
import { STORE_ROOT } from './names.js';
import { planInfrastructure } from './plan/plan-services.js';
import { reviewFiles } from './plan/review-files.js';
import { prepare } from './prepare.js';
import { planStorePrune } from './prune.js';
import { statusOf } from './status.js';
import { runTask } from './worker/run-task.js';

export interface AwsTargetSettings {
  project: string;
  environment: AwsEnvironment;
}

/** Three stacks of CloudFormation, a bucket, and a file system that only machines in the VPC reach (docs/aws.md). */
export function openAwsTarget({ project, environment }: AwsTargetSettings): Target {
  const context = openContext(project, environment);
  const lock = new CommandLock();

  /** What only an environment can be asked for that was prepared once. @throws NOTHING_DEPLOYED */
  const demandPlace = async (): Promise<Place> => {
    const place = await findPlace(context);
    if (place !== undefined) return place;
    throw new PrestageError('NOTHING_DEPLOYED', `Nothing of ${project} is in ${environment.name} yet.`, {
      hint: '`prestage deploy` makes it; `prestage plan` shows what that would be.',
    });
  };
  const records = async (place: Place): Promise<ReleaseRecord[]> =>
    (await readIndex(place.bucket, place.outputs.FileSystemId)).releases;

  return {
    kind: 'aws',
    root: STORE_ROOT,
    holdings: `the bucket and the file system of ${project} in ${environment.name}`,
    async lookUp({ release, packages }) {
      const place = await findPlace(context);
      if (place === undefined) return { release: undefined, trees: new Set() };
      const { releases, trees } = await readIndex(place.bucket, place.outputs.FileSystemId);
      const wanted = packages.map(({ tree }) => tree).filter((tree) => trees.has(tree));
      return { release: releases.find((record) => record.release === release), trees: new Set(wanted) };
    },
    prepare: (job, options) => prepare(context, job, { ...options, lock }),
    planServices: (deployment) => planInfrastructure(context, deployment),
    reviewFiles: (deployment, job) => reviewFiles(context, deployment, job),
    checkServices: (deployment) => checkInfrastructure(context, deployment),
    async applyServices(deployment, options) {
      const place = await ensureFoundation(context, { ...options, inputs: deployment.fallback?.inputs });
      await lock.take(place.bucket, options);
      return applyInfrastructure(context, place, deployment, options);
    },
    async history() {
      const place = await findPlace(context);
      return place === undefined ? [] : readDeployments(place.bucket);
    },
    status: () => statusOf(context),
    async logs(source, options) {
      await emitLogs(await demandPlace(), source, options);
    },
    destroy: (options) => destroy(context, options),
    endTemporary: (options) => endTemporary(context, options),
    async releases() {
      const place = await findPlace(context);
      return place === undefined ? [] : records(place);
    },
    currentRelease: async () => releaseOf(await findInfrastructure(context)),
    async verify(what, options) {
      const result = await runTask(context, await demandPlace(), { kind: 'verify', ...what }, options);
      if (result.report === undefined) throw new PrestageError('INTERNAL', 'The worker verified, and reports nothing.');
      return result.report;
    },
    planPrune: async (keep) => planStorePrune(context, await findPlace(context), keep),
    async prune(plan, options) {
      // What an earlier one left is collected by the next run: no machine is started for that alone.
      if (plan.remove.length === 0 && plan.trees.length === 0) return;
      await runTask(context, await demandPlace(), { kind: 'prune', plan }, options);
    },
    exclusively: (command, options, work) => lock.hold(context, command, options, work),
  };
}
