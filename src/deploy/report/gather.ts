import { asPrestageError, type SerializedError } from '../../core/errors.js';
import { redacted } from '../../core/redaction.js';
import type { PackagePlan } from '../../plan/index.js';
import type { ReleaseRecord } from '../../store/index.js';
import type { DeployedRelease, Target, TargetLook } from '../../targets/index.js';
import { differingLeaves } from '../changes/leaves.js';
import { asWritten } from '../changes/recipe-changes.js';
import type { DeployedProject } from '../project.js';
import { changesSince } from './changes-since.js';
import { chartOf } from './chart.js';
import type { PackageFacts, ReportFacts, StepFacts } from './facts.js';
import { type FileList, fileListOf } from './file-list.js';
import type { Subject } from './subject.js';
import type { Trace, TreeTrace } from './trace.js';

type Asked = Pick<DeployedProject, 'name' | 'environment' | 'target' | 'context'>;

/** Lines of each log that a report ends with. */
const LOG_LINES = 60;

export async function gatherFacts(
  subject: Subject,
  project: Asked & { look: TargetLook },
  trace: Trace | undefined,
): Promise<ReportFacts> {
  const { target, look, environment, name } = project;
  const [records, history, status] = await Promise.all([look.releases(), look.history(), look.status()]);
  const deployed = history.findLast(({ release }) => release === subject.release);
  const error = trace?.error;
  const files = await filesOf(subject, target, trace);
  const facts = {
    project: name,
    environment: environment.name,
    target: target.kind,
    root: target.root,
    release: subject.release,
    state: stateOf(subject, status.release, deployed, error),
    preparedAt: subject.record?.createdAt,
    preparedBy: subject.record?.createdBy,
    deployedAt: deployed?.deployedAt,
    madeAt: new Date().toISOString(),
    error,
    ...chartsOf(trace),
    packages: subject.packages.map((item) => packageFacts(item, subject.record, trace)),
    services: deployed?.services,
    scripts: [...subject.scripts],
    hosts: status.hosts,
    database: status.database,
    logs: await logsOf(project),
    before: await changesSince(subject, { records, history, target, current: status.release }),
  };
  // Names of files hold no secrets that a form of them could tell, and there are very many.
  // Links have a query, as signed URLs have, and there is no other text in them.
  return { ...redacted(facts), files, resources: await resourcesOf(project) };
}

function stateOf(
  { release }: Subject,
  current: string | undefined,
  deployed: DeployedRelease | undefined,
  error: SerializedError | undefined,
): ReportFacts['state'] {
  if (error) return 'failed';
  if (current === release) return 'current';
  return deployed ? 'deployed before' : 'prepared';
}

/** An error is that of the phase which came last. */
function chartsOf(trace: Trace | undefined): Pick<ReportFacts, 'prepared' | 'applied'> {
  const failed = trace?.error !== undefined;
  return {
    prepared: chartOf(trace?.prepared, failed && !hasEnded(trace.prepared, 1)),
    applied: chartOf(trace?.applied, failed && !hasEnded(trace.applied, 2)),
  };
}

function hasEnded(events: Trace['prepared'], phase: 1 | 2): boolean {
  return events?.some((event) => event.type === 'phase.finished' && event.phase === phase) ?? false;
}

function packageFacts(
  { id, destination, tree, plan }: Subject['packages'][number],
  record: ReleaseRecord | undefined,
  trace: Trace | undefined,
): PackageFacts {
  const held = record?.packages.find((item) => item.id === id);
  const known = trace?.trees[tree];
  const about = { id, destination, tree, files: held?.files, bytes: held?.bytes, durationMs: known?.durationMs };
  if (plan === undefined) return about;
  const { source, extract, steps } = plan.recipe;
  return {
    ...about,
    recipe: {
      source,
      handling: extractWords(extract),
      steps: steps.map((step, index) => stepFacts(step, index + 1, known)),
    },
  };
}

/** What is done with the source of a package. */
export function extractWords(extract: PackagePlan['recipe']['extract']): string {
  if (extract === false || extract === 'single') return 'kept as one file';
  if (extract === 'auto') return 'unpacked where it is an archive';
  const { strip, include, exclude } = extract;
  return [
    'unpacked',
    ...(strip > 0 ? [`without its first ${strip === 1 ? 'folder' : `${strip} folders`}`] : []),
    ...(include ? [`only ${include.join(', ')}`] : []),
    ...(exclude ? [`not ${exclude.join(', ')}`] : []),
  ].join(', ');
}

function stepFacts(
  step: PackagePlan['recipe']['steps'][number],
  number: number,
  trace: TreeTrace | undefined,
): StepFacts {
  const { kind, ...settings } = asWritten(step) as typeof step;
  const events = trace?.steps.filter((event) => event.step === number) ?? [];
  const done = events.find((event) => event.type === 'package.step');
  return {
    kind,
    // What is off is off unless somebody says so.
    settings: differingLeaves({}, settings)
      .filter(({ after }) => after !== undefined && after !== 'false')
      .map(({ key, after = '' }) => ({ key, value: after })),
    summary: done?.type === 'package.step' ? done.summary : undefined,
    changed: events.find((event) => event.type === 'package.changed') as StepFacts['changed'],
  };
}

/** Undefined where the target has no manifests to be read from here. */
async function filesOf(
  { packages }: Subject,
  target: Target,
  trace: Trace | undefined,
): Promise<FileList[] | undefined> {
  if (!target.listTree) return undefined;
  const lists: FileList[] = [];
  for (const { id, destination, tree, plan } of packages) {
    const entries = await target.listTree(tree);
    if (entries === undefined) continue;
    const source = plan?.recipe.source.name ?? '';
    const about = { package: id, destination, source, hasSteps: (plan?.recipe.steps.length ?? 1) > 0 };
    lists.push(fileListOf(about, entries, trace?.trees[tree]));
  }
  return lists;
}

/** The user who reports may be allowed less than the one who deploys: then they are not shown. */
async function resourcesOf({ look, context }: Asked & { look: TargetLook }): Promise<ReportFacts['resources']> {
  try {
    return await look.resources?.();
  } catch (error) {
    context.signal.throwIfAborted();
    context.emit({ type: 'warning', message: `The report has no resources: ${asPrestageError(error).message}` });
    return undefined;
  }
}

/** Empty where there are none: a host that is gone has no log, and that is no reason not to report. */
async function logsOf({ target, context }: Asked): Promise<ReportFacts['logs']> {
  const logs = new Map<string, string[]>();
  const collect = {
    ...context,
    emit: (event: Parameters<typeof context.emit>[0]) => {
      if (event.type !== 'log') return;
      const lines = logs.get(event.source);
      if (lines) lines.push(event.line);
      else logs.set(event.source, [event.line]);
    },
  };
  try {
    await target.logs(undefined, { ...collect, follow: false, tail: LOG_LINES });
  } catch {
    context.signal.throwIfAborted();
  }
  return [...logs].map(([source, lines]) => ({ source, lines }));
}
