import type { Emit } from './events.js';

/** What a command hands to all that it does. */
export interface CommandContext {
  emit: Emit;
  /** Aborted by Ctrl-C, and where the command loses its lock: stop, and clean up. */
  signal: AbortSignal;
  /** Whether to wait where another command holds a lock, or to fail with LOCKED. */
  wait: boolean;
}
