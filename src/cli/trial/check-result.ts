import type { SerializedError } from '../../core/errors.js';

/** How a check came out. */
export interface CheckResult {
  name: string;
  ok: boolean;
  skipped: boolean;
  durationMs: number;
  detail?: string;
  error?: SerializedError;
}
