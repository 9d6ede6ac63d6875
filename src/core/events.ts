import type { SerializedError } from './errors.js';

/**
 * Everything that happens, as data. Rooms below cli/ never print: they emit these. `--json` writes them as they are,
 * each with the time at which it was emitted; a worker writes them to its run's folder, where anyone who attaches reads them.
 */
export type PrestageEvent =
  | DeployEvent
  | DigestEvent
  | FetchEvent
  | UploadEvent
  | WorkerEvent
  | MachineEvent
  | StackEvent
  | HostEvent
  | NoticeEvent;

export type Emit = (event: PrestageEvent) => void;

/** An event as it is written down: with its time in ISO 8601, UTC. */
export type TimedEvent = PrestageEvent & { time: string };

export type DeployEvent =
  /** The source's digest was written to the lockfile, for the first time or because a local source changed. */
  | { type: 'source.locked'; source: string; sha256: string; previous?: string }
  /** Detection: whether this package must be prepared, and why. `bytes`: its source's size, where that is known. */
  | {
      type: 'package.detected';
      package: string;
      tree: string;
      action: 'prepare' | 'reuse';
      reason: string;
      bytes?: number;
    }
  /** `hosts`: how many hosts phase 2 is about. */
  | { type: 'phase.started'; phase: 1 | 2; release: string; reason: string; hosts?: number }
  | { type: 'phase.finished'; phase: 1 | 2; release: string; outcome: string; durationMs: number }
  | { type: 'release.current'; release: string; previous?: string };

/** A remote source that is not pinned yet is fetched once, to know what it is. `package` is whose it is. */
export type FetchEvent =
  /** `bytesTotal` where the server says it. */
  | { type: 'fetch.started'; package: string; bytesTotal?: number }
  /** At most a few a second. */
  | { type: 'fetch.progress'; package: string; bytes: number; bytesTotal?: number }
  | { type: 'fetch.finished'; package: string; bytes: number; durationMs: number };

/** A large file of this machine is read, to know what it is. `source` is its path. Its digest is kept until it changes. */
export type DigestEvent =
  | { type: 'digest.started'; source: string; bytesTotal: number }
  /** At most a few a second. */
  | { type: 'digest.progress'; source: string; bytes: number; bytesTotal: number }
  | { type: 'digest.finished'; source: string; bytes: number; durationMs: number };

/** The work of a preparation: what was not in the store before. */
export interface PreparedIn {
  packages: number;
  bytes: number;
  durationMs: number;
}

/** What a worker (the agent) does. */
export type WorkerEvent =
  | { type: 'worker.started'; run: string; release: string; packages: number }
  /** This command found the worker of an earlier one at work, and follows it. */
  | { type: 'worker.attached'; run: string; release: string }
  /** Leftovers of runs that died were removed. */
  | { type: 'store.collected'; removed: number }
  /** What the packages will take in the store at least, and what is free there. `last`: the preparation before. */
  | { type: 'store.measured'; bytes: number; files: number; freeBytes: number; last?: PreparedIn }
  | { type: 'package.started'; package: string; tree: string; bytesTotal?: number; filesTotal?: number }
  /** At most a few a second. `bytes` of `bytesTotal` are of the source; `files` have been written. */
  | {
      type: 'package.progress';
      package: string;
      bytes: number;
      bytesTotal?: number;
      files: number;
      filesTotal?: number;
    }
  /** An attempt to fetch or to unpack failed and is repeated after `delayMs`. */
  | { type: 'package.retry'; package: string; attempt: number; delayMs: number; reason: string }
  /** A step is done; `summary` says what it changed ("3 places in 2 files"). */
  | {
      type: 'package.step';
      package: string;
      step: number;
      kind: string;
      files: number;
      changes: number;
      summary: string;
    }
  /**
   * What the step changed, at once after it. 500 files at most are named; `more` counts the others. `diff`: of texts, hunks as
   * `diff -u` has them, without secrets; 64 KiB at most for one step.
   */
  | {
      type: 'package.changed';
      package: string;
      step: number;
      files: { path: string; change: 'added' | 'changed' | 'removed' | 'mode'; diff?: string[] }[];
      more: number;
    }
  | {
      type: 'package.published';
      package: string;
      tree: string;
      digest: string;
      reused: boolean;
      files: number;
      bytes: number;
      durationMs: number;
    }
  | { type: 'release.published'; release: string; packages: number }
  | { type: 'worker.finished'; run: string; release: string; durationMs: number }
  | { type: 'worker.failed'; run: string; release: string; error: SerializedError };

/** What is put where a worker can reach it. `source` is the base name of a file or a folder. */
export type UploadEvent =
  | { type: 'upload.started'; source: string; bytesTotal: number }
  /** At most a few a second. */
  | { type: 'upload.progress'; source: string; bytes: number; bytesTotal: number }
  | { type: 'upload.finished'; source: string; bytes: number; durationMs: number };

/** A worker that is a machine of its own. */
export type MachineEvent =
  | { type: 'machine.launched'; run: string; instance: string; instanceType: string }
  /** How far its own script is, before the agent speaks: installing, mounting, fetching. */
  | { type: 'machine.stage'; run: string; stage: string; detail?: string }
  | { type: 'machine.ended'; run: string; instance: string };

/** What CloudFormation does. */
export type StackEvent =
  | { type: 'stack.started'; stack: string; action: 'create' | 'update' | 'delete' }
  /** `status` is CloudFormation's: CREATE_IN_PROGRESS, UPDATE_COMPLETE, DELETE_FAILED. */
  | { type: 'stack.resource'; stack: string; resource: string; resourceType: string; status: string; reason?: string }
  | { type: 'stack.finished'; stack: string; status: string; durationMs: number };

/** What happens to a host of phase 2. `host` is `<service>-<index>`; indices count from 0. */
export type HostEvent =
  | {
      type: 'host.starting';
      host: string;
      service: string;
      index: number;
      address: string;
      port?: number;
      replaces: boolean;
      /** A boot script runs before its program. */
      boots?: true;
    }
  /** What the host says of its files: ready, preparing them itself (jump), or waiting for them. */
  | {
      type: 'host.files';
      host: string;
      service: string;
      index: number;
      state: 'ready' | 'preparing' | 'waiting';
      release: string;
    }
  | { type: 'host.booted'; host: string; service: string; index: number; durationMs: number }
  | {
      type: 'host.healthy';
      host: string;
      service: string;
      index: number;
      address: string;
      port?: number;
      durationMs: number;
    }
  | { type: 'host.unchanged'; host: string; service: string; index: number; address: string; port?: number }
  | { type: 'host.failed'; host: string; service: string; index: number; reason: string; log: string[] }
  /** A host goes back to the release that it had before this deployment. */
  | { type: 'host.reverting'; host: string; service: string; index: number; release: string }
  | { type: 'host.stopped'; host: string; service: string; index: number }
  | { type: 'database.starting'; engine: string; version: string }
  | { type: 'database.ready'; engine: string; version: string; address: string; port: number }
  | { type: 'database.stopped'; engine: string };

export type NoticeEvent =
  | { type: 'notice'; message: string }
  | { type: 'warning'; message: string; hint?: string }
  /** A line of a log, for `logs`. */
  | { type: 'log'; source: string; line: string }
  /** A check of `test`, with its outcome. `skipped`: it could not be tried here; `detail` says why. */
  | { type: 'check'; name: string; ok: boolean; skipped?: boolean; durationMs: number; detail?: string };
