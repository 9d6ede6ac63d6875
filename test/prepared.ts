import type { ReleasePlan } from '../src/plan/index.js';
import { prepareRelease } from '../src/prepare/prepare-release.js';
import { newRunId } from '../src/store/paths.js';
import type { ReleaseJob } from './release-job.js';

/** Prepares a release in this process, with nobody who listens. */
export function prepared(root: string, { plan, inputs }: { plan: ReleasePlan; inputs: ReleaseJob['inputs'] }) {
  return prepareRelease({
    root,
    plan,
    inputs,
    run: newRunId(),
    wait: false,
    createdBy: 'prestage 0.0.0',
    emit: () => {},
    signal: new AbortController().signal,
  });
}
