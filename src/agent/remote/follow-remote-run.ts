import { mapBounded } from '../../core/bounded.js';
import { asPrestageError, PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { pause } from '../../core/pause.js';
import { parseEvents } from '../event-log.js';
import { type AgentResult, agentResult } from '../job.js';
import { remoteRun } from './remote-run.js';

/** As much of a bucket as following a run needs. */
export interface RunObjects {
  /** An object's text; undefined where there is none. */
  get(key: string): Promise<string | undefined>;
  /** All keys that begin so, in the order of their bytes. */
  list(prefix: string): Promise<string[]>;
}

export interface FollowRemoteOptions {
  bucket: RunObjects;
  /** The prefix of the run's objects. */
  prefix: string;
  /** Given each event of the run once, in order, from its beginning. */
  emit: Emit;
  /** Stops following; the agent goes on. */
  signal: AbortSignal;
  patience?: Partial<RemotePatience>;
}

export interface RemotePatience {
  /** Between two looks for what is new, in ms. */
  pollMs: number;
  /** How long an agent whose heart has beaten may be silent. Before its first beat, its machine is another's business. */
  silenceMs: number;
  /** How long the bucket may fail. */
  outageMs: number;
}

const PATIENCE: RemotePatience = { pollMs: 1000, silenceMs: 10 * 60_000, outageMs: 10 * 60_000 };
/** A heart is listened to at every tenth look: about as often as it beats. */
const BEATS = 10;
/** Objects of a run that is long under way that are read at once. */
const CATCHING_UP = 16;

/**
 * Follows a run by the objects that its agent writes, no matter who started it and however long ago. While nothing is new that takes
 * two requests a second, and one more for each heartbeat. An agent whose heart stops gives WORKER_DIED.
 * @throws what the bucket fails with for too long, or at once where it cannot get better (AWS_SETTINGS); the signal's reason
 */
export async function followRemoteRun(options: FollowRemoteOptions): Promise<AgentResult> {
  const { emit, signal } = options;
  const patience = { ...PATIENCE, ...options.patience };
  const run = new RemoteRun(options, BEATS * patience.pollMs);
  let failingSince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const seen = await run.look().catch((error: unknown) => ({ error }));
    signal.throwIfAborted();
    if ('error' in seen) {
      const { error } = seen;
      if (error instanceof PrestageError && error.code === 'AWS_SETTINGS') throw error;
      if (failingSince === undefined) warn(error, emit);
      failingSince ??= performance.now();
      if (performance.now() - failingSince > patience.outageMs) throw error;
      run.forgiveSilence();
    } else {
      failingSince = undefined;
      if (seen.result !== undefined) return agentResult.parse(JSON.parse(seen.result));
      if (seen.silentMs > patience.silenceMs)
        return { ok: false, error: silence(options.prefix, seen.silentMs).serialize() };
    }
    await pause(patience.pollMs, signal);
  }
}

/** What has been seen of a run. */
class RemoteRun {
  readonly #bucket: RunObjects;
  readonly #keys: ReturnType<typeof remoteRun>;
  readonly #emit: Emit;
  #hasCaughtUp = false;
  /** The number of the next object of events. */
  #number = 1;
  #heartbeat: string | undefined;
  /** By our own clock: the machine's may be wrong. */
  #heardAt = performance.now();
  #listenedAt = Number.NEGATIVE_INFINITY;
  readonly #listenMs: number;

  constructor({ bucket, prefix, emit }: FollowRemoteOptions, listenMs: number) {
    this.#listenMs = listenMs;
    this.#bucket = bucket;
    this.#keys = remoteRun(prefix);
    this.#emit = emit;
  }

  /** Emits what is new. The result is there only when all events have been given. */
  async look(): Promise<{ result: string | undefined; silentMs: number }> {
    if (!this.#hasCaughtUp) await this.#catchUp();
    while (await this.#nextEvents());
    const result = await this.#bucket.get(this.#keys.result);
    // It was written last: events that were not there a moment ago are there now.
    if (result === undefined) await this.#listen();
    else while (await this.#nextEvents());
    return { result, silentMs: this.#heartbeat === undefined ? 0 : performance.now() - this.#heardAt };
  }

  /** It could not be heard, whatever it said. */
  forgiveSilence(): void {
    this.#heardAt = performance.now();
  }

  /** One that was at it for hours has thousands of objects, which one after the other would take minutes. */
  async #catchUp(): Promise<void> {
    const there = (await this.#bucket.list(this.#keys.events)).length;
    while (this.#number <= there) {
      const numbers = Array.from(
        { length: Math.min(CATCHING_UP, there - this.#number + 1) },
        (_, index) => this.#number + index,
      );
      const texts = await mapBounded(numbers, CATCHING_UP, (number) => this.#bucket.get(this.#keys.eventsOf(number)));
      for (const text of texts) this.#give(text ?? '');
    }
    this.#hasCaughtUp = true;
  }

  /** Whether there were any. */
  async #nextEvents(): Promise<boolean> {
    const text = await this.#bucket.get(this.#keys.eventsOf(this.#number));
    if (text === undefined) return false;
    this.#give(text);
    return true;
  }

  #give(text: string): void {
    for (const event of parseEvents(text)) this.#emit(event);
    this.#number += 1;
    this.#heardAt = performance.now();
  }

  async #listen(): Promise<void> {
    if (performance.now() - this.#listenedAt < this.#listenMs) return;
    const beat = await this.#bucket.get(this.#keys.heartbeat);
    this.#listenedAt = performance.now();
    if (beat === this.#heartbeat) return;
    this.#heartbeat = beat;
    this.#heardAt = performance.now();
  }
}

function warn(error: unknown, emit: Emit): void {
  const { message } = asPrestageError(error);
  const hint = 'The worker goes on. What it does is shown as soon as the bucket answers again.';
  emit({ type: 'warning', message: `The bucket cannot be read: ${message}`, hint });
}

function silence(prefix: string, silentMs: number): PrestageError {
  const seconds = Math.round(silentMs / 1000);
  return new PrestageError(
    'WORKER_DIED',
    `The worker has said nothing for ${seconds} s: its agent or its machine died.`,
    {
      hint: 'Run the same command again: what is prepared is kept.',
      context: { path: prefix },
    },
  );
}
