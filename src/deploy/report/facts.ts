import type { SerializedError } from '../../core/errors.js';
import type { TimedEvent } from '../../core/events.js';
import type { ServicesPlan } from '../../plan/index.js';
import type { TargetResource, TargetStatus } from '../../targets/index.js';
import type { Change } from '../changes/recipe-changes.js';
import type { PhaseChart } from './chart.js';
import type { FileChanges, FileList } from './file-list.js';

/** All that a report says, as data. The page shows it and knows nothing more. */
export interface ReportFacts {
  project: string;
  environment: string;
  target: 'local' | 'aws';
  /** The store's root, as hosts see it. */
  root: string;
  release: string;
  /** `failed`: the deployment that this report is of. */
  state: 'current' | 'deployed before' | 'prepared' | 'failed';
  preparedAt?: string | undefined;
  preparedBy?: string | undefined;
  deployedAt?: string | undefined;
  /** When this report was made. */
  madeAt: string;
  error?: SerializedError | undefined;
  prepared?: PhaseChart | undefined;
  applied?: PhaseChart | undefined;
  packages: PackageFacts[];
  /** Undefined where the store's manifests cannot be read from here. */
  files: FileList[] | undefined;
  /** As they were deployed with this release; undefined where they never were. */
  services?: ServicesPlan | undefined;
  scripts: { path: string; sha256: string }[];
  /** What runs now: the hosts of the release that is current, which may be another one. */
  hosts: TargetStatus['hosts'];
  database: TargetStatus['database'];
  logs: { source: string; lines: string[] }[];
  /** What the environment is made of, on AWS. */
  resources?: TargetResource[] | undefined;
  before?: ReleaseChanges | undefined;
}

export interface PackageFacts {
  id: string;
  destination: string;
  tree: string;
  /** Undefined where it is not prepared. */
  files?: number | undefined;
  bytes?: number | undefined;
  durationMs?: number | undefined;
  /** What the recipe says; undefined where this version cannot read it. */
  recipe?: RecipeFacts | undefined;
}

interface RecipeFacts {
  source: { name: string; sha256: string; kind: 'file' | 'folder' };
  /** What is done with the source, in words. */
  handling: string;
  steps: StepFacts[];
}

export interface StepFacts {
  kind: string;
  /** What is written in the configuration, without secrets. */
  settings: { key: string; value: string }[];
  /** What it did; undefined where that was not recorded. */
  summary?: string | undefined;
  changed?: Extract<TimedEvent, { type: 'package.changed' }> | undefined;
}

/** What is not as in the release that was there before. */
export interface ReleaseChanges {
  release: string;
  packages: { id: string; changes: Change[]; files?: FileChanges | undefined }[];
  scripts: Change[];
  services: Change[];
}
