import type { Difference, PrunePlan, ReleaseRecord } from '../store/index.js';
import type { Finding, ServicesChange, TargetStatus } from '../targets/index.js';
import type { Change } from './changes/recipe-changes.js';

/** What the commands come to; with `--json` these are the members of the last line, `{"type": "result", …}`. */

export interface PlanResult {
  environment: string;
  release: string;
  /** Sources that are not what prestage.lock says, or not in it yet: `previous` is what it says. */
  sources: { source: string; sha256: string; previous?: string }[];
  /** What could not be asked, or was not to be, in words. */
  notAsked: string[];
  phase1: {
    /** null where nobody was asked. */
    needed: boolean | null;
    packages: PlannedPackage[];
    /** What of the hosts' scripts is not as in the release that is deployed, or was prepared last. */
    scripts: Change[];
  };
  /** null where nobody was asked. `changes`: what of the services is not as it is deployed. */
  phase2: (ServicesChange & { changes: Change[] }) | null;
}

export interface PlannedPackage {
  id: string;
  /** `unknown` where nobody was asked. */
  action: 'prepare' | 'reuse' | 'unknown';
  tree: string;
  reason: string;
  /** What is done with its source: `unpack as tar.gz, strip 1`, `keep as a file`, `copy the folder`. */
  source: string;
  /** What is not as in the release that is deployed, or was prepared last. */
  changes: Change[];
}

export interface PackageResult {
  id: string;
  destination: string;
  tree: string;
  digest: string;
  /** Whether the tree was there before this command. */
  reused: boolean;
  files: number;
  bytes: number;
}

export interface DeployResult {
  environment: string;
  release: string;
  /** The store's root. */
  root: string;
  phase1: 'prepared' | 'ready' | 'skipped';
  phase2: 'applied' | 'unchanged' | 'skipped';
  packages: PackageResult[];
  hosts: TargetStatus['hosts'];
  durationMs: number;
  /** The page that explains this deployment; absent where it changed nothing. */
  report?: string;
}

export interface StatusResult extends Omit<TargetStatus, 'release'> {
  /** The current one; null where there is none. */
  release: string | null;
  environment: string;
  root: string;
}

export interface VerifyResult {
  releases: string[];
  checked: number;
  differences: Difference[];
  /** With `repair`: the trees and the release that were prepared again. */
  repaired?: string[];
  /** With `repair`: the trees that differ still, because what they were made of is not in the configuration any more. */
  unrepaired?: Unrepaired[];
}

export interface Unrepaired {
  tree: string;
  releases: string[];
  /** The first of its inputs that is not there. */
  missing?: { name: string; sha256: string };
}

/** The lines of a text that changed, as `diff -u` writes them. */
export interface FileDiff {
  path: string;
  diff: string[];
}

/** A file with another mode; it is among the changed ones as well. */
export interface ModeChange {
  path: string;
  /** Octal: `644`. */
  before: string;
  after: string;
  /** Whether nothing else of it changed. */
  only: boolean;
}

export interface DiffResult {
  environment: string;
  from: string;
  to: string;
  packages: {
    id: string;
    changes: Change[];
    /** Paths in the package; absent where its tree is the same, or cannot be read from here. */
    files?: { added: string[]; removed: string[]; changed: string[]; modes: ModeChange[] } | undefined;
    diffs: FileDiff[];
    /** Files whose lines were not looked at any more: a package's first 200 are. Absent: none. */
    diffsLeftOut?: number;
  }[];
  scripts: Change[];
  services: Change[];
  /** The files are on a file system that cannot be read from here. */
  filesUnknown?: boolean;
}

export interface ConfigResult {
  environment: string;
  /** The configuration file. */
  file: string;
  /** As it would be written for this environment alone, with defaults. */
  config: object;
  /** Its single values in the same order, and where each comes from. */
  settings: {
    /** `services.api.count` */
    key: string;
    value: unknown;
    from: 'file' | 'environment' | 'default';
    line?: number;
    /** What the text refers to. `file`: general values. */
    references: { name: string; from: 'file' | 'environment' | 'input' | 'default'; line?: number }[];
  }[];
}

export interface ExplainResult {
  environment: string;
  release: string;
  /** From the release on. */
  path: string;
  package: string;
  tree: string;
  /** `removed`: a step took it away. */
  entry: {
    type: 'file' | 'folder' | 'link' | 'removed';
    mode?: string;
    size?: number;
    sha256?: string;
    target?: string;
  };
  /** Absent where the release keeps no recipe that this version can read. */
  source?: { name: string; kind: string; sha256: string; handling: string };
  /** The steps that touched it, in their order; absent where no trace of the preparation is left here. */
  steps?: { step: number; kind: string; change: string; diff: string[] }[];
  /** Steps that changed more files than the trace names, and how many more: it may be one of those. */
  unnamedSteps?: { step: number; kind: string; more: number }[];
  /** The archive, or the folder, and the entry in it that it came from, where that is known; `*` for a folder that was stripped. */
  archive?: { name: string; entry: string };
}

export interface SupportResult {
  project: string;
  environment: string;
  parts: { name: string; text: string }[];
}

export interface ReportResult {
  environment: string;
  release: string;
  /** The page's path. */
  report: string;
}

export interface ReleasesResult {
  current: string | undefined;
  releases: (ReleaseRecord & { current: boolean; deployedAt: string | undefined })[];
}

export interface RollbackResult {
  environment: string;
  release: string;
  previous: string | undefined;
  phase2: 'applied' | 'unchanged';
}

export type PruneResult = PrunePlan & { dryRun: boolean };

export interface DoctorResult {
  environment: string;
  target: 'local' | 'aws';
  checks: Finding[];
}
