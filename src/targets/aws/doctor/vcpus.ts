import type { Verdict } from '../../checks/finding.js';
import type { Examined } from './examined.js';
import { describeTypes, runningInstances, wantedMachines } from './instance-types.js';
import { checkQuota, STANDARD_VCPUS } from './quotas.js';

/** The families that share the quota of standard instances: A, C, D, H, I, M, R, T and Z. */
const STANDARD = /^(a|c|d|h|i|im|is|m|r|t|z)\d/;

/**
 * vCPUs of on-demand instances. A roll-out makes new hosts before it removes the old ones, and the worker has ended by then: so as
 * much is needed as all hosts have, or the worker, whatever is already there. Types of other families have quotas of their own, and
 * are not looked at.
 */
export async function checkVcpuQuota(examined: Examined, signal: AbortSignal): Promise<Verdict> {
  return checkQuota(examined, STANDARD_VCPUS, signal, async () => {
    const running = (await runningInstances(examined, signal))
      .filter(({ InstanceLifecycle }) => InstanceLifecycle === undefined)
      .map(({ InstanceType = '' }): string => InstanceType);
    const { worker, hosts } = wantedMachines(examined);
    const wanted = hosts.flatMap(({ type, count }) => Array<string>(count).fill(type));
    const vcpus = await vcpusOf(examined, [...running, ...wanted, worker], signal);
    const sum = (types: readonly string[]) => types.reduce((all, type) => all + (vcpus.get(type) ?? 0), 0);
    return {
      used: sum(running),
      more: Math.max(sum(wanted), sum([worker])),
      for: 'a roll-out, which makes new hosts before it removes old ones',
    };
  });
}

/** The vCPUs of the standard types among these. */
async function vcpusOf(
  examined: Examined,
  types: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const standard = [...new Set(types)].filter((type) => STANDARD.test(type));
  const found = await describeTypes(examined, standard, signal);
  return new Map(found.map(({ InstanceType = '', VCpuInfo }) => [InstanceType as string, VCpuInfo?.DefaultVCpus ?? 0]));
}
