import { setTimeout as sleep } from 'node:timers/promises';
import { asPrestageError } from '../../core/errors.js';
import type { Emit, PrestageEvent } from '../../core/events.js';
import { S3Objects } from '../../remote/index.js';
import type { AgentJob, AgentReport, AgentResult } from '../job.js';
import { persistently } from './persistence.js';
import { RunMirror } from './run-mirror.js';
import { StoreIndex } from './store-index.js';

/** For the end of a run whose deadline is near or over; its machine stays for a few minutes more. */
const LAST_MS = 5 * 60_000;
/** The limit after a run that failed: the next run compares the names again. */
const HASTY_MS = 10_000;

/** What an agent tells the world beside its run's folder. */
export class Reporting {
  readonly #mirror: RunMirror;
  readonly #index: StoreIndex;
  readonly #task: AgentJob['task'];
  /** Ms as of performance.now(). */
  readonly #deadline: number;
  readonly #ended = new AbortController();

  constructor(report: AgentReport, job: Pick<AgentJob, 'root' | 'task' | 'deadlineMs'>, eventsPath: string) {
    const objects = new S3Objects({ region: report.region });
    this.#mirror = new RunMirror(objects, report, eventsPath);
    this.#index = new StoreIndex(objects, report, { root: job.root, signal: this.#ended.signal });
    this.#task = job.task;
    this.#deadline = performance.now() + job.deadlineMs;
  }

  /** Before anything is done; the event log must be there. */
  async begin(): Promise<void> {
    this.#mirror.start();
    if (this.#task.kind === 'prune') await this.#index.forget(this.#task.plan).catch(() => {});
  }

  heed(event: PrestageEvent): void {
    this.#index.heed(event);
  }

  complain(text: string): void {
    this.#mirror.complain(text);
  }

  /** When all is done, and before its events end: a store that is not known to be ready is prepared again. */
  async settleIndex({ ok }: AgentResult, emit: Emit): Promise<void> {
    const { signal } = this.#ended;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(ok ? this.#leftMs() : HASTY_MS)]);
    const settling = ok ? persistently(() => this.#index.reconcile(), patience) : this.#index.reconcile();
    try {
      await Promise.race([settling, abortionOf(patience)]);
    } catch (error) {
      settling.catch(() => {});
      const message = `The index of the store could not be written: ${asPrestageError(error).message}`;
      const hint =
        'The store is right. Until the next run writes the index, packages may be prepared again although they are there.';
      emit({ type: 'warning', message, hint });
    }
  }

  /** Last of all. @throws why the result could not be written, by the deadline or by `limitMs` */
  async finish(result: AgentResult, limitMs = this.#leftMs()): Promise<void> {
    this.#ended.abort();
    await this.#mirror.finish(result, AbortSignal.timeout(limitMs));
  }

  #leftMs(): number {
    return Math.round(Math.max(LAST_MS, this.#deadline - performance.now()));
  }
}

/** Rejects once the signal is aborted, with its reason. */
async function abortionOf(signal: AbortSignal): Promise<never> {
  await sleep(2 ** 30, undefined, { signal, ref: false }).catch(() => {});
  throw signal.reason;
}
