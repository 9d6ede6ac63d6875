/** What one check of `prestage doctor` came to. */
export interface Finding extends Verdict {
  /** The check's name. */
  check: string;
}

export interface Verdict {
  /** `warning`: a deployment may succeed, and something is to be known. `skipped`: it cannot be known yet. */
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found, as a sentence. */
  found: string;
  /** What to do, where there is something to do. */
  remedy?: string;
}

export const ok = (found: string): Verdict => ({ state: 'ok', found });
export const warning = (found: string, remedy: string): Verdict => ({ state: 'warning', found, remedy });
export const failed = (found: string, remedy: string): Verdict => ({ state: 'failed', found, remedy });
export const skipped = (found: string): Verdict => ({ state: 'skipped', found });
