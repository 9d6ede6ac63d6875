import { pauseUnlessAborted } from '../../core/pause.js';
import type { S3Objects } from '../../remote/index.js';
import { LineReader } from '../event-log.js';
import type { AgentReport, AgentResult } from '../job.js';
import { persistently } from './persistence.js';
import { HEARTBEAT_MS, remoteRun } from './remote-run.js';

/** How often events are written, where there are any: each time is a request that costs. */
const EVENTS_MS = 1000;
/** The most that one object holds. */
const MAX_EVENT_BYTES = 256 * 1024;
const MAX_LOG_BYTES = 64 * 1024;
/** Within a few seconds: the caller has patience of its own. */
const ATTEMPTS = 4;

/**
 * Writes what a run's folder gets to a bucket as well, for those who cannot reach this machine. A bucket that does not answer
 * stops nothing: events wait in the run's folder, and memory holds no more than the next object.
 */
export class RunMirror {
  readonly #objects: S3Objects;
  readonly #url: string;
  readonly #keys: ReturnType<typeof remoteRun>;
  readonly #events: LineReader;
  readonly #life = new AbortController();
  readonly #pause = new AbortController();
  #log = '';
  #number = 1;
  /** The next object of events: once tried, it stays as it is, since a request that failed may have been carried out. */
  #next: Buffer | undefined;
  #mirroring: Promise<unknown> = Promise.resolve();

  constructor(objects: S3Objects, { bucket, run }: Pick<AgentReport, 'bucket' | 'run'>, eventsPath: string) {
    this.#objects = objects;
    this.#url = `s3://${bucket}/`;
    this.#keys = remoteRun(run);
    this.#events = new LineReader(eventsPath);
  }

  /** The event log must be there. */
  start(): void {
    void this.#beat();
    this.#mirroring = this.#mirrorEvents();
  }

  /** What the log says at the end. */
  complain(text: string): void {
    this.#log = `${this.#log}${text}\n`.slice(-MAX_LOG_BYTES);
  }

  /**
   * Writes all that is left, and last the result: tries until it is written, or until the signal is aborted.
   * @throws why it could not be written
   */
  async finish(result: AgentResult, signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#life.abort(signal.reason));
    if (signal.aborted) this.#life.abort(signal.reason);
    this.#pause.abort();
    await this.#mirroring;
    await persistently(async () => {
      while (await this.#putEvents());
    }, this.#life.signal);
    await this.#events.close();
    if (this.#log !== '') await persistently(() => this.#put(this.#keys.log, this.#log), this.#life.signal);
    await persistently(() => this.#put(this.#keys.result, JSON.stringify(result)), this.#life.signal);
    this.#life.abort();
  }

  async #mirrorEvents(): Promise<void> {
    while (!this.#pause.signal.aborted) {
      await pauseUnlessAborted(EVENTS_MS, this.#pause.signal);
      await this.#putEvents().catch(() => {}); // tried again the next time
    }
  }

  /** Whether there were any. */
  async #putEvents(): Promise<boolean> {
    this.#next ??= await this.#events.next(MAX_EVENT_BYTES);
    if (this.#next.length === 0) {
      this.#next = undefined;
      return false;
    }
    await this.#put(this.#keys.eventsOf(this.#number), this.#next);
    this.#next = undefined;
    this.#number += 1;
    return true;
  }

  async #beat(): Promise<void> {
    const { signal } = this.#life;
    while (!signal.aborted) {
      const beat = JSON.stringify({ time: new Date().toISOString() });
      await this.#put(this.#keys.heartbeat, beat, 1).catch(() => {});
      await pauseUnlessAborted(HEARTBEAT_MS, signal);
    }
  }

  #put(key: string, content: string | Uint8Array, attempts = ATTEMPTS): Promise<void> {
    const policy = { signal: this.#life.signal, onRetry: () => {}, maxFailures: attempts };
    return this.#objects.put(this.#url + key, content, policy);
  }
}
