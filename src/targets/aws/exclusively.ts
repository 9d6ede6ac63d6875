import { PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { newRunId } from '../../store/index.js';
import type { Bucket } from './bucket/bucket.js';
import { acquireLock, type HeldLock } from './bucket/lock.js';
import { type AwsContext, findPlace } from './context.js';

interface LockOptions {
  wait: boolean;
  signal: AbortSignal;
  emit: Emit;
}

/**
 * The lock of an environment for commands. It is in the bucket, which the first deployment has yet to make: until then
 * CloudFormation is what lets only one make the stack, and the lock is taken as soon as there is a bucket.
 */
export class CommandLock {
  #command: string | undefined;
  #held: HeldLock | undefined;
  readonly #lost = new AbortController();

  /** Runs `work` as the only command that changes this environment. @throws LOCKED, LEASE_LOST, and whatever `work` throws */
  async hold<T>(context: AwsContext, command: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
    this.#command = command;
    const place = await findPlace(context);
    if (place !== undefined) await this.take(place.bucket, options);
    try {
      return await Promise.race([work(), whenAborted(this.#lost.signal)]);
    } finally {
      await this.#held?.release();
      this.#held = undefined;
      this.#command = undefined;
    }
  }

  /** Takes the lock, where this command does not have it. @throws LOCKED */
  async take(bucket: Bucket, { wait, signal, emit }: LockOptions): Promise<void> {
    if (this.#held !== undefined || this.#command === undefined) return;
    const held = await acquireLock(
      bucket,
      { run: newRunId(), command: this.#command },
      {
        wait,
        signal,
        onWait: ({ command, process: { host } }) =>
          emit({ type: 'notice', message: `Waiting for ${command} (on ${host}) to end.` }),
      },
    );
    this.#held = held;
    held.lost.addEventListener('abort', () => this.#lost.abort(held.lost.reason), { once: true });
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason ?? new PrestageError('LEASE_LOST', 'The lock was lost.'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
