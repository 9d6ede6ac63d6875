import { asPrestageError } from '../../core/errors.js';
import type { Resolved } from '../../resolve/index.js';
import type { ReleaseRecord } from '../../store/index.js';
import type { TargetLook } from '../../targets/index.js';
import type { Project } from '../project.js';
import { gatherFacts } from './gather.js';
import { reportPage } from './page/page.js';
import { readTraces, reportsFolder, writePage, writeTrace } from './reports-folder.js';
import { plannedSubject, subjectOf } from './subject.js';
import { type Recording, traceOf } from './trace.js';

interface Deployed {
  resolved: Resolved;
  /** Undefined where phase 1 failed. */
  record?: ReleaseRecord | undefined;
  /** Why the deployment failed, if it did. */
  error?: unknown;
  look: TargetLook;
}

/**
 * Makes the report of a deployment that did something or failed. It is for people to look at, so that it cannot be made is a
 * warning. @returns its path
 */
export async function reportAfter(
  { resolved, record, error, look }: Deployed,
  project: Project,
  recording: Recording,
): Promise<string | undefined> {
  const { config, environment, target, context } = project;
  try {
    const folder = reportsFolder(config.folder, environment.name);
    const subject = record ? subjectOf(record) : plannedSubject(resolved);
    const about = {
      release: subject.release,
      trees: subject.packages.map(({ tree }) => tree),
      error: error === undefined ? undefined : asPrestageError(error).serialize(),
    };
    const trace = traceOf(recording.events, about, await readTraces(folder));
    await writeTrace(folder, trace);
    const facts = await gatherFacts(subject, { name: config.name, environment, target, context, look }, trace);
    return await writePage(folder, subject.release, reportPage(facts));
  } catch (failure) {
    context.signal.throwIfAborted();
    context.emit({ type: 'warning', message: `The report could not be made: ${asPrestageError(failure).message}` });
    return undefined;
  }
}
