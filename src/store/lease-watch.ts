import { performance } from 'node:perf_hooks';
import { BEATS_PER_LEASE, type FoundLease, LEASE_MS, readLease, removeLease } from './lease-file.js';

/** Heartbeats that a living holder does not miss one after the other. */
const MISSED_BEATS = 2;

/** A lock file that is looked at again and again, by a clock that nobody sets. */
export class LeaseWatch {
  readonly #file: string;
  #found: FoundLease | undefined;
  #since = 0;

  constructor(file: string) {
    this.#file = file;
  }

  async look(): Promise<FoundLease | undefined> {
    const found = await readLease(this.#file);
    if (found?.text !== this.#found?.text) this.#since = performance.now();
    this.#found = found;
    return found;
  }

  /** Whether its holder has said nothing for its `leaseMs` while we looked. */
  get isSilent(): boolean {
    return this.#isSilentFor(this.#leaseMs);
  }

  /** Whether its holder seems to have ended, and the time after which that is certain is not over yet. */
  get isFalteringStill(): boolean {
    return this.#isSilentFor((MISSED_BEATS * this.#leaseMs) / BEATS_PER_LEASE) && !this.isSilent;
  }

  /** Removes the lock, if it is still as it was at the last look. */
  async break(): Promise<void> {
    const text = this.#found?.text;
    await removeLease(this.#file, (found) => found.text === text);
  }

  get #leaseMs(): number {
    return this.#found?.holder?.leaseMs ?? LEASE_MS;
  }

  #isSilentFor(ms: number): boolean {
    return this.#found !== undefined && performance.now() - this.#since > ms;
  }
}

/**
 * Looks at locks, and breaks those that are silent for too long.
 * @returns false where one is about to be: its holder has missed its last heartbeats
 */
export async function breakSilent(watches: readonly LeaseWatch[]): Promise<boolean> {
  for (const watch of watches) {
    await watch.look();
    if (watch.isSilent) await watch.break();
  }
  return !watches.some((watch) => watch.isFalteringStill);
}
