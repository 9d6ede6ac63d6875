import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { PrestageError } from '../../../core/errors.js';
import { pause } from '../../../core/pause.js';
import { livenessOf, processRecord, thisProcess } from '../../../core/this-process.js';
import type { Bucket, ReadObject } from './bucket.js';
import { LOCK_KEY } from './layout.js';

const lockHolder = z.object({
  run: z.string(),
  command: z.string(),
  process: processRecord,
  /** Each renewal is another object. */
  renewal: z.int(),
});

export type LockHolder = z.infer<typeof lockHolder>;

export interface HeldLock {
  /** Aborted, with LEASE_LOST as the reason, when another command has taken over, or may do so soon. */
  readonly lost: AbortSignal;
  /** Renews the lock no more, and does not miss it either: it is about to be deleted with all that is in the bucket. */
  leave(): Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  wait: boolean;
  signal: AbortSignal;
  /** Called once for each holder that is waited for. */
  onWait(holder: LockHolder): void;
  renewMs?: number;
  pollMs?: number;
}

const RENEW_MS = 10_000;
const POLL_MS = 2000;
/** A holder that was not renewed for this many renewals is dead. By S3's clock, which wrote down the last one. */
const DEAD_RENEWALS = 6;
/** This many renewals before that, a holder whose renewals do not get through gives up: its lock is still there then. */
const MARGIN_RENEWALS = 1;

/**
 * Takes the lock of an environment: an object that only one can make. The one of a dead command is taken over: of a process of this
 * machine that is gone, or of one elsewhere that does not renew it any more.
 * @throws LOCKED where another has it and `wait` is false; the signal's reason
 */
export async function acquireLock(
  bucket: Bucket,
  claim: Pick<LockHolder, 'run' | 'command'>,
  { wait, signal, onWait, renewMs = RENEW_MS, pollMs = POLL_MS }: LockOptions,
): Promise<HeldLock> {
  const holder: LockHolder = {
    ...claim,
    process: thisProcess(),
    renewal: 0,
  };
  let told: string | undefined;
  // Taken to be free, which it nearly always is: the one who had it is looked at where it is not.
  for (let found: ReadObject<LockHolder> | undefined; ; found = await bucket.getJson(LOCK_KEY, lockHolder)) {
    signal.throwIfAborted();
    // An answer that was lost, and asked for again, finds our own.
    if (found?.value.run === holder.run) return keep(bucket, holder, found.etag, renewMs);
    if (found === undefined || isDead(found, renewMs)) {
      const condition = found === undefined ? ({ ifNoneMatch: '*' } as const) : { ifMatch: found.etag };
      const etag = await bucket.putJson(LOCK_KEY, holder, condition);
      if (etag !== undefined) return keep(bucket, holder, etag, renewMs);
      continue; // another was quicker
    }
    if (!wait) throw locked(found.value);
    if (told !== found.value.run) onWait(found.value);
    told = found.value.run;
    await pause(pollMs, signal);
  }
}

/** Who changes this environment now; undefined where nobody does. */
export async function readLockHolder(bucket: Bucket): Promise<LockHolder | undefined> {
  const found = await bucket.getJson(LOCK_KEY, lockHolder);
  return found === undefined || isDead(found, RENEW_MS) ? undefined : found.value;
}

function isDead({ value, age }: ReadObject<LockHolder>, renewMs: number): boolean {
  return livenessOf(value.process) === 'gone' || age > DEAD_RENEWALS * renewMs;
}

function keep(bucket: Bucket, holder: LockHolder, first: string, renewMs: number): HeldLock {
  const lost = new AbortController();
  const stopped = new AbortController();
  let etag = first;
  const silenceMs = (DEAD_RENEWALS - MARGIN_RENEWALS) * renewMs;
  // Not by the outcome of a request: one that gets no answer may take longer than there is time.
  const silence = setTimeout(() => lost.abort(silent(silenceMs)), silenceMs).unref();
  const renewing = (async () => {
    for (let renewal = 1; ; renewal += 1) {
      await sleep(renewMs, undefined, { signal: stopped.signal, ref: false });
      try {
        const renewed = await bucket.putJson(LOCK_KEY, { ...holder, renewal }, { ifMatch: etag });
        if (renewed === undefined) {
          // An answer that was lost makes the next attempt fail: what is there may be ours.
          const found = await bucket.getJson(LOCK_KEY, lockHolder);
          if (found?.value.run !== holder.run) return lost.abort(taken(found?.value));
          etag = found.etag;
        } else etag = renewed;
        silence.refresh();
      } catch {
        // No answer now: the next renewal may get through.
      }
    }
  })().catch(() => {});
  const leave = async () => {
    stopped.abort();
    clearTimeout(silence);
    await renewing;
  };
  return {
    lost: lost.signal,
    leave,
    async release() {
      await leave();
      if (await bucket.deleteIf(LOCK_KEY, etag).catch(() => false)) return;
      // A renewal whose answer was lost made it another object, which is ours all the same. One of another command stays.
      const found = await bucket.getJson(LOCK_KEY, lockHolder).catch(() => undefined);
      if (found?.value.run === holder.run) await bucket.deleteIf(LOCK_KEY, found.etag).catch(() => {});
    },
  };
}

function locked({ run, command, process: { host } }: LockHolder): PrestageError {
  return new PrestageError(
    'LOCKED',
    `Another command is changing this environment: ${command}, on ${host} (run ${run}).`,
    {
      hint: 'Wait for it to end, or run the same command again with --wait. The lock of a command that died is free within a minute.',
      context: { run, host },
      retryable: true,
    },
  );
}

function silent(ms: number): PrestageError {
  return new PrestageError(
    'LEASE_LOST',
    `The lock of this environment could not be renewed for ${Math.round(ms / 1000)} seconds, and another command may take it over.`,
    {
      hint: 'Check the way to S3 from this machine, and run the same command again: finished work is kept.',
      retryable: true,
    },
  );
}

function taken(by: LockHolder | undefined): PrestageError {
  return new PrestageError(
    'LEASE_LOST',
    `The lock of this environment was ${by === undefined ? 'deleted' : `taken over by ${by.command}, on ${by.process.host}`}.`,
    { hint: 'Run the same command again, when the other has ended.' },
  );
}
