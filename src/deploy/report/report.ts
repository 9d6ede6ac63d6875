import { type CommandOptions, openDeployed } from '../project.js';
import type { ReportResult } from '../results.js';
import { releaseOrLast } from '../store.js';
import { gatherFacts } from './gather.js';
import { reportPage } from './page/page.js';
import { readTraces, reportsFolder, writePage } from './reports-folder.js';
import { subjectOf } from './subject.js';
import { type Trace, treeTraceIn } from './trace.js';

export interface ReportOptions extends CommandOptions {
  /** Default: the current one, or the one that was prepared last. */
  release?: string;
}

/** Writes one page about a release: what it holds, how it was made and deployed, what runs, what is new in it. */
export async function report(options: ReportOptions): Promise<ReportResult> {
  const { folder: configFolder, ...project } = await openDeployed(options);
  const look = project.target.look();
  const [records, current] = await Promise.all([look.releases(), look.currentRelease()]);
  const record = releaseOrLast(records, options.release ?? current, {
    message: 'There is no release to report on.',
    hint: '`prestage deploy` makes one, and a report of it.',
  });
  const folder = reportsFolder(configFolder, project.environment.name);
  const subject = subjectOf(record);
  const facts = await gatherFacts(subject, { ...project, look }, await traceFor(subject, folder));
  const path = await writePage(folder, record.release, reportPage(facts));
  return { environment: project.environment.name, release: record.release, report: path };
}

/** What deployments from here left of it; of trees that it has in common with other releases, what those left. */
async function traceFor(
  { release, packages }: { release: string; packages: readonly { tree: string }[] },
  folder: string,
): Promise<Trace> {
  const traces = await readTraces(folder);
  const own = traces.find((trace) => trace.release === release);
  const trees = packages.flatMap(({ tree }) => {
    const found = own?.trees[tree] ?? treeTraceIn(traces, tree);
    return found === undefined ? [] : [[tree, found] as const];
  });
  return { ...(own ?? { format: 1, release }), trees: Object.fromEntries(trees) };
}
