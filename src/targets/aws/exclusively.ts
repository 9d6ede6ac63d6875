import type { CommandContext } from '../../core/command-context.js';
import { newRunId } from '../../store/index.js';
import { underLock } from '../under-lock.js';
import type { Bucket } from './bucket/bucket.js';
import { acquireLock, type HeldLock } from './bucket/lock.js';
import { type AwsContext, findPlace } from './environment/context.js';

/** A command that changes an environment, with its lock as soon as it has it. */
interface Holding {
  command: string;
  lock: HeldLock | undefined;
  lost: AbortController;
}

/**
 * The lock of an environment for commands. It is in the bucket, which the first deployment has yet to make: until then
 * CloudFormation is what lets only one make the stack, and the lock is taken as soon as there is a bucket.
 */
export class CommandLock {
  readonly #pace: { renewMs?: number; pollMs?: number };
  #holding: Holding | undefined;

  /** @param pace for tests: of renewals, and of looks at the lock of another */
  constructor(pace: { renewMs?: number; pollMs?: number } = {}) {
    this.#pace = pace;
  }

  /**
   * Runs `work` as the only command that changes this environment. Commands within it are parts of it, and go under its lock.
   * @throws LOCKED, LEASE_LOST, and whatever `work` throws
   */
  async hold<T>(
    aws: AwsContext,
    command: string,
    context: CommandContext,
    work: (context: CommandContext) => Promise<T>,
  ): Promise<T> {
    const underIt = async (held: CommandContext) => {
      const place = await findPlace(aws);
      if (place !== undefined) await this.take(place.bucket, held);
      return work(held);
    };
    if (this.#holding !== undefined) return underIt(context);
    const holding: Holding = { command, lock: undefined, lost: new AbortController() };
    const release = async () => {
      this.#holding = undefined;
      await holding.lock?.release();
    };
    this.#holding = holding;
    return underLock({ lost: holding.lost.signal, release }, context, underIt);
  }

  /** Keeps the lock no longer, where the bucket that it is in is deleted. It is taken again where there is another one. */
  async leave(): Promise<void> {
    const lock = this.#holding?.lock;
    if (this.#holding !== undefined) this.#holding.lock = undefined;
    await lock?.leave();
  }

  /**
   * Takes the lock, where a command is to hold it and does not yet. @returns whether it was taken: what was seen before may not be
   * so any more
   * @throws LOCKED; LEASE_LOST where it was lost
   */
  async take(bucket: Bucket, { wait, signal, emit }: CommandContext): Promise<boolean> {
    const holding = this.#holding;
    holding?.lost.signal.throwIfAborted();
    if (holding === undefined || holding.lock !== undefined) return false;
    const lock = await acquireLock(
      bucket,
      { run: newRunId(), command: holding.command },
      {
        ...this.#pace,
        wait,
        signal,
        onWait: ({ command, process: { host } }) =>
          emit({ type: 'notice', message: `Waiting for ${command} (on ${host}) to end.` }),
      },
    );
    holding.lock = lock;
    lock.lost.addEventListener('abort', () => holding.lost.abort(lock.lost.reason), { once: true });
    return true;
  }
}
