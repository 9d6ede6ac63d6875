import { PrestageError } from '../../core/errors.js';
import type { ReleaseRecord } from '../../store/index.js';
import { type CommandOptions, openDeployed } from '../project.js';
import type { ReportResult } from '../results.js';
import { demandRelease } from '../store.js';
import { gatherFacts } from './gather.js';
import { reportPage } from './page/page.js';
import { readTraces, reportsFolder, writePage } from './reports-folder.js';
import { subjectOf } from './subject.js';
import type { Trace } from './trace.js';

export interface ReportOptions extends CommandOptions {
  /** Default: the current one, or the one that was prepared last. */
  release?: string;
}

/** Writes one page about a release: what it holds, how it was made and deployed, what runs, what is new in it. */
export async function report(options: ReportOptions): Promise<ReportResult> {
  const { folder: configFolder, ...project } = await openDeployed(options);
  const look = project.target.look();
  const [records, current] = await Promise.all([look.releases(), look.currentRelease()]);
  const record = chosenRelease(records, options.release ?? current);
  const folder = reportsFolder(configFolder, project.environment.name);
  const subject = subjectOf(record);
  const facts = await gatherFacts(subject, { ...project, look }, await traceFor(subject, folder));
  const path = await writePage(folder, record.release, reportPage(facts));
  return { environment: project.environment.name, release: record.release, report: path };
}

function chosenRelease(records: readonly ReleaseRecord[], wanted: string | undefined): ReleaseRecord {
  if (wanted !== undefined) return demandRelease(records, wanted);
  const last = records.at(-1);
  if (last !== undefined) return last;
  throw new PrestageError('NOTHING_DEPLOYED', 'There is no release to report on.', {
    hint: '`prestage deploy` makes one, and a report of it.',
  });
}

/** What deployments from here left of it; of trees that it has in common with other releases, what those left. */
async function traceFor(
  { release, packages }: { release: string; packages: readonly { tree: string }[] },
  folder: string,
): Promise<Trace> {
  const traces = await readTraces(folder);
  const own = traces.find((trace) => trace.release === release);
  const trees = packages.flatMap(({ tree }) => {
    const found = own?.trees[tree] ?? traces.find((trace) => trace.trees[tree] !== undefined)?.trees[tree];
    return found === undefined ? [] : [[tree, found] as const];
  });
  return { ...(own ?? { format: 1, release }), trees: Object.fromEntries(trees) };
}
