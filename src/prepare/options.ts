import type { Emit } from '../core/events.js';
import type { InputLocations, ReleasePlan } from '../plan/index.js';

export interface PrepareOptions {
  /** The store's root; made where it is not there. */
  root: string;
  plan: ReleasePlan;
  /** Where the plan's inputs are on this machine. */
  inputs: InputLocations;
  /** What is in the store, and wrong: it is prepared again in any case. */
  replace?: { trees: readonly string[]; release: boolean };
  /** A name that no other run has. */
  run: string;
  /** Whether to wait while another run holds the store's lock, or to fail with LOCKED. */
  wait: boolean;
  /** The first package that fails ends the work on the others. Default: they are finished, and all errors told at once. */
  failFast?: boolean;
  /** `prestage 0.1.0` */
  createdBy: string;
  emit: Emit;
  /** Aborted, it ends the preparation with its reason; packages that are published stay. */
  signal: AbortSignal;
}
