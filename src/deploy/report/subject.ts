import type { PackagePlan, ScriptPlan } from '../../plan/index.js';
import type { Resolved } from '../../resolve/index.js';
import type { ReleaseRecord } from '../../store/index.js';
import { recordedPackage } from '../recorded.js';

/** The release that a report is about: one of the store, or one that was planned and could not be prepared. */
export interface Subject {
  release: string;
  packages: { id: string; destination: string; tree: string; plan: PackagePlan | undefined }[];
  scripts: readonly ScriptPlan[];
  record?: ReleaseRecord | undefined;
}

export function subjectOf(record: ReleaseRecord): Subject {
  const { release, scripts } = record;
  const packages = record.packages.map((item) => ({ ...item, plan: recordedPackage(item) }));
  return { release, packages, scripts, record };
}

export function plannedSubject({ plan }: Resolved): Subject {
  const { release, packages, scripts } = plan;
  return { release, packages: packages.map((item) => ({ ...item, plan: item })), scripts };
}
