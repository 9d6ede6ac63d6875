import { formatBytes } from '../../core/bytes.js';
import { PrestageError } from '../../core/errors.js';
import { formatCount } from '../../core/units.js';
import { type DeployResult, plan, rollback, status, verify } from '../../deploy/index.js';
import type { Site } from './site.js';

export type TrialMode = 'phase1' | 'phase2' | 'full';

export interface Check {
  name: string;
  /** Gives what is worth a word, or throws what is wrong. */
  run(site: Site): Promise<string | undefined>;
  /** Without it, those after it cannot be tried. */
  essential?: boolean;
  /** Is tried even so. */
  always?: boolean;
}

/** A check that cannot be tried with this configuration; the message says why. */
export class Skip extends Error {}

const sourcesAreThere: Check = {
  name: 'every source is there',
  essential: true,
  async run(site) {
    await site.enter('first');
    const { phase1 } = await plan(site.options());
    return formatCount(phase1.packages.length, 'package');
  },
};

const filesArePrepared: Check = {
  name: 'files are prepared',
  essential: true,
  async run(site) {
    const result = await site.deploy({ prepareFilesOnly: true });
    demand(result.phase1 === 'prepared', `Phase 1 ended as ${result.phase1}.`);
    const sum = (of: 'files' | 'bytes') => result.packages.reduce((total, item) => total + item[of], 0);
    return `${formatCount(sum('files'), 'file')}, ${formatBytes(sum('bytes'))}`;
  },
};

const preparedTwiceTheSame: Check = {
  name: 'prepared again in a second root, digests are equal',
  async run(site) {
    await site.enter('second');
    const result = await site.deploy({ prepareFilesOnly: true });
    return demandEqualTrees(resultOf(site, 'first'), result);
  },
};

const foundReady: Check = {
  name: 'a second run finds all files ready',
  async run(site) {
    const { phase1 } = await site.deploy({ prepareFilesOnly: true });
    demand(phase1 === 'ready', `Phase 1 ended as ${phase1}.`);
    return undefined;
  },
};

const verifiedDeep: Check = {
  name: 'every byte is as its manifest says',
  async run(site) {
    const { checked, differences } = await verify({ ...site.options(), deep: true });
    const [first] = differences;
    demand(first === undefined, `${first?.package} differs: ${first?.path} (${first?.kind})`);
    return formatCount(checked, 'entry', 'entries');
  },
};

const stagingIsEmpty: Check = {
  name: 'nothing is left in staging',
  async run(site) {
    const left = await site.staged();
    if (left === undefined) throw new Skip('the file system is reached from its own network alone');
    demand(left.length === 0, `There is: ${left.join(', ')}`);
    return undefined;
  },
};

const hostsFindTheirFiles: Check = {
  name: 'hosts are healthy and find their files',
  essential: true,
  async run(site) {
    const result = await site.deploy({ skipFilePrep: true });
    demandHealthy(result);
    const told = result.events.filter((event) => event.type === 'host.files');
    demand(
      told.every((event) => event.state === 'ready'),
      `Not ready for ${told.find((event) => event.state !== 'ready')?.host}.`,
    );
    return formatCount(result.hosts.length, 'host');
  },
};

const unchangedTheSecondTime: Check = {
  name: 'a second deployment changes nothing',
  async run(site) {
    const { phase1, phase2 } = await site.deploy();
    demand(phase1 === 'ready' && phase2 === 'unchanged', `Phase 1 ended as ${phase1}, phase 2 as ${phase2}.`);
    return undefined;
  },
};

const jumpFallsBack: Check = {
  name: 'single-phase: the jump host prepares the files, digests are equal',
  async run(site) {
    const {
      services: { services },
    } = site.config;
    if (!services.some((service) => service.role === 'jump')) throw new Skip('no service has role: jump');
    await site.enter('single-phase');
    const result = await site.deploy({ singlePhase: true });
    demandHealthy(result);
    demand(
      result.events.some((event) => event.type === 'host.files' && event.state === 'preparing'),
      'No host prepared the files.',
    );
    return demandEqualTrees(resultOf(site, 'first'), result);
  },
};

const rolledBack: Check = {
  name: 'rollback puts the first release back',
  async run(site) {
    const { release } = resultOf(site, 'first');
    // Another name makes another release of the same trees, so that there is something to go back from.
    const { name } = site.config;
    const second = await site.deploy({ project: `${name.slice(0, 29)}-2` });
    demandHealthy(second);
    demand(second.release !== release, 'The second release has the same id.');
    const back = await rollback(site.options());
    demand(back.release === release, `It went to ${back.release} instead of ${release}.`);
    const now = await status(site.options());
    demandHealthy(now);
    demand(now.release === release, `Current is ${now.release}.`);
    return `${second.release} and back to ${release}`;
  },
};

const nothingIsLeft: Check = {
  name: 'destroy leaves nothing',
  always: true,
  async run(site) {
    const left = await site.destroy();
    demand(left.length === 0, `There still is: ${left.join(', ')}`);
    return undefined;
  },
};

const PHASE_1 = [sourcesAreThere, filesArePrepared, foundReady, verifiedDeep, preparedTwiceTheSame];
const PHASE_2 = [hostsFindTheirFiles, unchangedTheSecondTime, rolledBack, jumpFallsBack];

/** What each mode of `prestage test` tries, in order: none of them goes back to a root that another one has left. */
export function checksOf(mode: TrialMode): readonly Check[] {
  const preparation = mode === 'phase2' ? [sourcesAreThere, filesArePrepared] : PHASE_1;
  const hosts = mode === 'phase1' ? [] : PHASE_2;
  return [...preparation, ...hosts, stagingIsEmpty, nothingIsLeft];
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new PrestageError('CHECK_FAILED', otherwise);
}

function demandHealthy({ hosts }: Pick<DeployResult, 'hosts'>): void {
  const ill = hosts.find((host) => host.state !== 'healthy');
  demand(ill === undefined, `${ill?.service}-${ill?.index} is ${ill?.state}.`);
}

function demandEqualTrees(first: DeployResult, second: DeployResult): string {
  for (const { id, digest } of first.packages) {
    const other = second.packages.find((item) => item.id === id)?.digest;
    demand(other === digest, `${id} has digest ${digest}, and then ${other}.`);
  }
  return formatCount(first.packages.length, 'digest');
}

function resultOf(site: Site, name: string): DeployResult {
  const result = site.results.get(name);
  demand(result !== undefined, `Nothing was deployed in the ${name} root.`);
  return result;
}
