import { PrestageError } from '../../core/errors.js';
import type { AwsEnvironment } from '../../plan/index.js';
import type { Target, TargetLook } from '../target.js';
import { applyInfrastructure } from './apply.js';
import { checkInfrastructure } from './check.js';
import { destroy, endWorkers } from './destroy.js';
import { findPlace, openContext, type Place } from './environment/context.js';
import { STORE_ROOT } from './environment/names.js';
import { CommandLock } from './exclusively.js';
import { ensureFoundation } from './foundation/ensure-foundation.js';
import { findSecretFaults } from './hosts/secret-faults.js';
import { releaseOf } from './infrastructure/record.js';
import { leftOf } from './left.js';
import { emitLogs } from './logs.js';
import { type AwsLook, lookAhead, lookAt } from './look.js';
import { planInfrastructure } from './plan-services.js';
import { prepare } from './prepare.js';
import { planStorePrune } from './prune.js';
import { resourcesOf } from './resources.js';
import { reviewFiles } from './review-files.js';
import { hostsOf, statusOf } from './status.js';
import { removeTrial } from './trial.js';
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

  return {
    kind: 'aws',
    root: STORE_ROOT,
    holdings: `the bucket and the file system of ${project} in ${environment.name}`,
    look: ({ ahead = false } = {}) => {
      const look = lookAt(context);
      if (ahead) lookAhead(look);
      return targetLook(look, lock);
    },
    prepare: (job, options) => prepare(context, job, { ...options, lock }),
    async logs(source, options) {
      await emitLogs(await demandPlace(), source, options);
    },
    async destroy(options) {
      await removeTrial(context, { ...options, breakIn: false });
      await destroy(context, options, lock);
    },
    async endTemporary(options) {
      await endWorkers(context, options);
      await removeTrial(context, { ...options, breakIn: true });
    },
    left: () => leftOf(context),
    async verify(what, options) {
      const result = await runTask(context, await demandPlace(), { kind: 'verify', ...what }, options);
      if (result.report === undefined) throw new PrestageError('INTERNAL', 'The worker verified, and reports nothing.');
      return result.report;
    },
    async prune(plan, options) {
      // What an earlier one left is collected by the next run: no machine is started for that alone.
      if (plan.remove.length === 0 && plan.trees.length === 0) return;
      await runTask(context, await demandPlace(), { kind: 'prune', plan }, options);
    },
    exclusively: (command, options, work) => lock.hold(context, command, options, work),
  };
}

function targetLook(look: AwsLook, lock: CommandLock): TargetLook {
  return {
    async lookUp({ release, packages }) {
      const [record, trees] = await Promise.all([look.release(release), look.trees()]);
      return { release: record, trees: new Set(packages.map(({ tree }) => tree).filter((tree) => trees.has(tree))) };
    },
    releases: look.releases,
    currentRelease: async () => releaseOf(await look.infrastructure.state()),
    history: look.deployments,
    hosts: () => hostsOf(look),
    status: () => statusOf(look),
    resources: () => resourcesOf(look),
    checkServices: (deployment) => checkInfrastructure(look, deployment),
    planServices: (deployment) => planInfrastructure(look, deployment),
    secretFaults: (services) => findSecretFaults(services, look.context.session),
    reviewFiles: (deployment, job) => reviewFiles(look, deployment, job),
    async applyServices(deployment, options) {
      const { look: after, place } = await ensureFoundation(look, { ...options, inputs: deployment.fallback?.inputs });
      const isNew = await lock.take(place.bucket, options);
      return applyInfrastructure(isNew ? lookAt(look.context) : after, place, deployment, options);
    },
    planPrune: (keep) => planStorePrune(look, keep),
  };
}
