import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { asPrestageError, PrestageError } from '../core/errors.js';
import { livenessOf } from '../core/this-process.js';
import { makeFolder } from './folders.js';
import {
  BEATS_PER_LEASE,
  beat,
  LEASE_MS,
  type LeaseClaim,
  type LeaseHolder,
  readLease,
  removeLease,
  takeLease,
} from './lease-file.js';
import { breakSilent, LeaseWatch } from './lease-watch.js';

export type { LeaseHolder } from './lease-file.js';

/** A lock that is held until it is released, or until its holder falls silent for too long. */
export interface Lease {
  readonly holder: LeaseHolder;
  /** Aborted, with LEASE_LOST as the reason, when another has taken over: stop before anything more is published. */
  readonly lost: AbortSignal;
  /**
   * Looks whether the lock is still held, not waiting for the next heartbeat: before success is told, or when something in
   * the store is not as we left it, since the run that has the lock may collect our work.
   * @throws LEASE_LOST, with `cause`
   */
  confirm(cause?: unknown): Promise<void>;
  release(): Promise<void>;
}

export interface LeaseOptions {
  /** Whether to wait for a holder that lives, or to fail with LOCKED. */
  wait: boolean;
  /** Ends the waiting. */
  signal?: AbortSignal;
  /** Called when the waiting begins, and again for each new holder; undefined: the lock file cannot be understood. */
  onWait?: (holder: LeaseHolder | undefined) => void;
  /** For how long in ms the holder may be silent; default 60 s. */
  leaseMs?: number;
  /**
   * Other locks that a crash may have left together with this one. Those that fall silent while we wait are broken too, so
   * that a run that wants them next need not watch them for as long again.
   */
  beside?: readonly string[];
}

const POLL_MS = 250;
/** By the holder's own clock, which may be wrong: only where we may not watch for ourselves. */
const SILENT_LEASES = 3;

/**
 * Takes a lock. One whose process is gone (on this machine) is taken over at once; one elsewhere when its holder has
 * said nothing for its `leaseMs` while we watched, by our clock.
 *
 * @throws LOCKED where another has it and `wait` is false; the signal's reason; STORE_UNWRITABLE, STORE_IO
 */
export async function acquireLease(file: string, claim: LeaseClaim, options: LeaseOptions): Promise<Lease> {
  const watch = new LeaseWatch(file);
  const beside = (options.beside ?? []).map((other) => new LeaseWatch(other));
  let told: string | undefined;
  try {
    await makeFolder(dirname(file), { flush: true });
    for (;;) {
      options.signal?.throwIfAborted();
      const found = await watch.look();
      const holder = found ? undefined : await takeLease(file, claim, options.leaseMs ?? LEASE_MS);
      if (holder) return new HeldLease(file, holder);
      const besideIsSettled = found && options.wait ? await breakSilent(beside) : true;
      const isDead = options.wait ? watch.isSilent && besideIsSettled : seemsDead(found?.holder);
      if (isDead || isGone(found?.holder)) {
        await watch.break();
        continue;
      }
      if (found && !options.wait) throw locked(file, found.holder);
      if (found && told !== (found.holder?.lease ?? '')) {
        told = found.holder?.lease ?? '';
        options.onWait?.(found.holder);
      }
      await sleep(POLL_MS, undefined, options.signal ? { signal: options.signal } : {}).catch(() => undefined);
    }
  } catch (error) {
    throw options.signal?.aborted ? error : asPrestageError(error, { path: file });
  }
}

/** Who holds a lock, and whether they live, as far as that can be told by a look; undefined where nobody does. */
export async function inspectLease(file: string): Promise<{ holder: LeaseHolder; alive: boolean } | undefined> {
  try {
    const holder = (await readLease(file))?.holder;
    return holder && { holder, alive: !(isGone(holder) || seemsDead(holder)) };
  } catch (error) {
    throw asPrestageError(error, { path: file });
  }
}

function isGone(holder: LeaseHolder | undefined): boolean {
  return holder !== undefined && livenessOf(holder) === 'gone';
}

/** By a single look. One that runs on this machine is not, however old its heartbeat: the machine may have slept. */
function seemsDead(holder: LeaseHolder | undefined): boolean {
  if (holder === undefined || livenessOf(holder) !== 'unknown') return false;
  return Date.now() - Date.parse(holder.heartbeatAt) > SILENT_LEASES * holder.leaseMs;
}

function locked(file: string, holder: LeaseHolder | undefined): PrestageError {
  const who = holder
    ? `Run ${holder.run} (${holder.purpose}) holds it since ${holder.startedAt}, as process ${holder.pid} on ${holder.host}`
    : 'What it says cannot be understood';
  const seconds = Math.ceil((holder?.leaseMs ?? LEASE_MS) / 1000);
  return new PrestageError('LOCKED', `The lock ${file} is taken. ${who}.`, {
    hint: `Run the same command with --wait: it goes on when the other is done, or has been silent for ${seconds} seconds.`,
    context: { path: file, ...(holder ? { run: holder.run, purpose: holder.purpose, host: holder.host } : {}) },
    retryable: true,
  });
}

/** How often a lock file may be absent at a heartbeat: someone may have moved it aside to look at it. */
const MISSES = 5;
const MISSES_PER_BEAT = 10;

class HeldLease implements Lease {
  readonly holder: LeaseHolder;
  readonly #file: string;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  #lastBeat = performance.now();
  #misses = 0;
  #released = false;

  constructor(file: string, holder: LeaseHolder) {
    this.#file = file;
    this.holder = holder;
    this.#schedule(this.#interval);
  }

  get #interval(): number {
    return this.holder.leaseMs / BEATS_PER_LEASE;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async confirm(cause?: unknown): Promise<void> {
    for (let misses = 0; !this.lost.aborted; misses += 1) {
      const outcome = await beat(this.#file, this.holder).catch(() => 'unknown');
      if (outcome === 'held' || outcome === 'unknown') return;
      if (outcome === 'lost' || misses === MISSES) this.#lost.abort(this.#leaseLost(cause));
      else await sleep(this.#interval / MISSES_PER_BEAT);
    }
    this.lost.throwIfAborted();
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearTimeout(this.#timer);
    await this.#beating;
    try {
      await removeLease(this.#file, (found) => found.holder?.lease === this.holder.lease);
    } catch (error) {
      throw asPrestageError(error, { path: this.#file });
    }
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat();
    }, delayMs);
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    const outcome = await beat(this.#file, this.holder).catch((error: unknown) => ({ error }));
    if (this.#released) return;
    if (outcome === 'held') {
      this.#lastBeat = performance.now();
      this.#misses = 0;
      this.#schedule(this.#interval);
    } else if (outcome === 'missing' && this.#misses < MISSES) {
      this.#misses += 1;
      this.#schedule(this.#interval / MISSES_PER_BEAT);
    } else if (typeof outcome === 'object' && performance.now() - this.#lastBeat < this.holder.leaseMs) {
      this.#schedule(this.#interval / 2); // a file system that fails for a moment
    } else {
      this.#lost.abort(this.#leaseLost(typeof outcome === 'object' ? outcome.error : undefined));
    }
  }

  #leaseLost(cause: unknown): PrestageError {
    const { run, leaseMs } = this.holder;
    return new PrestageError('LEASE_LOST', `Run ${run} has lost the lock ${this.#file}.`, {
      hint: `Another run took over, the file was deleted, or the file system gave no answer for ${Math.ceil(leaseMs / 1000)} seconds. Run the same command again: finished work is kept.`,
      context: { path: this.#file, run },
      cause,
    });
  }
}
