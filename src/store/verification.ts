import type { SharedLimit } from '../core/bounded.js';
import type { Difference } from './report.js';

/** What the parts of a verification share. */
export interface Verification {
  root: string;
  deep: boolean;
  signal: AbortSignal | undefined;
  /** Bounds the file operations under way. */
  limit: SharedLimit;
  /** Counts an entry that was compared. */
  checked(): void;
  differs(difference: Difference): void;
}
