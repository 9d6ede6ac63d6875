import { PrestageError } from '../core/errors.js';
import type { ChangedTree } from '../store/index.js';
import type { DeployedRelease } from '../targets/index.js';
import { type CommandOptions, openDeployed } from './project.js';
import type { RollbackResult } from './results.js';
import { demandRelease } from './store.js';

export interface RollbackOptions extends CommandOptions {
  /** Default: the one that was deployed before the current one. */
  release?: string;
}

/** Puts an earlier release back on the hosts, with the services as they were deployed with it. No preparation. */
export async function rollback(options: RollbackOptions): Promise<RollbackResult> {
  const { target, environment, context } = await openDeployed(options);
  return target.exclusively('rollback', context, async (held) => {
    const look = target.look({ ahead: true });
    const [records, current, history] = await Promise.all([look.releases(), look.currentRelease(), look.history()]);
    const release = options.release ?? releaseBefore(current, history, new Set(records.map((item) => item.release)));
    const record = demandRelease(records, release);
    const { services, image } = deploymentOf(release, history);
    const deployment = {
      environment: environment.name,
      release: record,
      services,
      ...(image === undefined ? {} : { image: { id: image } }),
      keepDatabase: true,
    };
    demandUnchanged(release, (await look.changedTrees?.(record)) ?? []);
    await look.checkServices(deployment);
    held.signal.throwIfAborted();
    const phase2 = await look.applyServices(deployment, held);
    return { environment: environment.name, release, previous: current, phase2 };
  });
}

/** A rollback cannot prepare anything again. @throws FILES_CHANGED */
function demandUnchanged(release: string, changed: readonly ChangedTree[]): void {
  const [first] = changed;
  if (!first) return;
  throw new PrestageError(
    'FILES_CHANGED',
    `Release ${release} is not as it was prepared: somebody changed ${changed.map((each) => each.package).join(', ')}.`,
    {
      hint: '`prestage verify` shows the files. Check out the configuration of that release and run `prestage deploy`: it prepares them again.',
      context: { release, package: first.package, files: first.differences.map(({ path }) => path) },
    },
  );
}

/**
 * The release that hosts were on before the current one. History is replayed as a stack: deploying a release again, or
 * rolling back to it, drops what came after it. So rolling back twice goes two releases back, never to and fro, and
 * never to a release that was itself rolled back.
 * @param stored the releases that are still in the store: others are passed over
 * @throws NOTHING_DEPLOYED
 */
export function releaseBefore(
  current: string | undefined,
  history: readonly Pick<DeployedRelease, 'release'>[],
  stored?: ReadonlySet<string>,
): string {
  const stack: string[] = [];
  for (const { release } of history) {
    const at = stack.indexOf(release);
    if (at >= 0) stack.length = at;
    stack.push(release);
  }
  const earlier = current === undefined ? stack : stack.slice(0, Math.max(0, stack.indexOf(current)));
  const previous = earlier.findLast((release) => stored?.has(release) ?? true);
  if (previous !== undefined) return previous;
  const removed = earlier.at(-1);
  const message =
    removed === undefined
      ? 'There is no earlier deployment to go back to.'
      : `Release ${removed}, which was deployed before, was removed by prune.`;
  throw new PrestageError('NOTHING_DEPLOYED', message, {
    hint: '`prestage releases` lists what is prepared; `prestage rollback <release>` names one of them.',
    context: current === undefined ? {} : { release: current },
  });
}

function deploymentOf(release: string, history: readonly DeployedRelease[]): DeployedRelease {
  const deployed = history.findLast((item) => item.release === release);
  if (deployed) return deployed;
  throw new PrestageError('NOTHING_DEPLOYED', `Release ${release} was prepared, but never deployed here.`, {
    hint: 'A rollback puts hosts back as they were with that release. To deploy it for the first time, check out its configuration and run `prestage deploy`.',
    context: { release },
  });
}
