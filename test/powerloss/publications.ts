import { join } from 'node:path';
import { newRunId } from '../../src/store/paths.js';
import { executePrune, planPrune } from '../../src/store/prune.js';
import { setCurrent } from '../../src/store/releases.js';
import { prepared } from '../prepared.js';
import { ReleaseJob } from '../release-job.js';
import { tarGz } from '../small-archives.js';

/** What a store has: its releases, and the one that is current. */
export interface State {
  releases: string[];
  current: string | undefined;
}

/** A command that publishes. */
export interface Publication {
  name: string;
  run(root: string): Promise<unknown>;
  /** What there is when it has run. */
  after(): State;
}

/**
 * The life of a store: two releases, back to the first, and the second removed. A package of many files is flushed by one
 * syncfs(2), one of few by an fsync(2) each; both are here.
 */
export async function publications(folder: string): Promise<(Publication & { trees: number })[]> {
  const first = await releaseOf(join(folder, 'first'), 'first');
  const second = await releaseOf(join(folder, 'second'), 'second');
  const one = first.plan.release;
  const two = second.plan.release;
  const publication = (name: string, run: Publication['run'], releases: string[], current: string) => ({
    name,
    run,
    after: () => ({ releases, current }),
    trees: first.packages.length,
  });
  return [
    publication('the first deployment', (root) => deploy(root, first), [one], one),
    publication('the second deployment', (root) => deploy(root, second), [one, two], two),
    publication('the rollback', (root) => setCurrent(root, one), [one, two], one),
    publication('the prune', prune, [one], one),
  ];
}

async function releaseOf(folder: string, version: string): Promise<ReleaseJob> {
  const job = new ReleaseJob(folder);
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`lib${n % 4}/file${n}.txt`, `${version}, file ${n}\n`.repeat(20 * (n % 7))]),
  );
  await job.package('many', tarGz(files), {
    steps: [{ kind: 'replace', files: ['lib1/*'], from: 'file', to: 'FILE', regex: false, optional: false }],
  });
  await job.package(
    'few',
    tarGz({ 'bin/run.sh': `#!/bin/sh\necho ${version}\n`, 'conf/app.properties': 'port=8080\n' }),
  );
  await job.package('same', 'in both releases\n');
  await job.script('boot/api.sh', `#!/bin/sh\necho ${version}\n`);
  return job;
}

async function deploy(root: string, job: ReleaseJob): Promise<void> {
  await prepared(root, job);
  await setCurrent(root, job.plan.release);
}

async function prune(root: string): Promise<void> {
  await executePrune(root, newRunId(), await planPrune(root, { keep: 1, protect: new Map() }));
}
