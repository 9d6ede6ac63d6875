/**
 * Runs the file system's work of a tree: many jobs at once, within bounds, and spread over folders.
 *
 * Creating a file locks its folder, on local disks and on NFS alike, so a hundred creates in one folder are a queue, and
 * one each in a hundred folders are not. Archives list folder after folder. So jobs wait in a lane for each folder, and
 * the lanes take turns.
 */
export interface Lane {
  readonly jobs: Job[];
  /** Whether the lane's folder exists, so that its jobs may start. */
  open: boolean;
}

interface Job {
  readonly bytes: number;
  readonly run: () => Promise<void>;
  readonly ended: () => void;
}

/** What may wait. It bounds memory, and is what there is to spread over folders. */
const MAX_JOBS = 4096;
const MAX_BYTES = 64 * 1024 * 1024;

export class WriteQueue {
  readonly #concurrency: number;
  /** Open lanes that have jobs, in their order of turns. */
  readonly #turns = new Set<Lane>();
  /** Lanes with jobs whose folder is not made yet. */
  readonly #closed = new Set<Lane>();
  #running = 0;
  #jobs = 0;
  #bytes = 0;
  #failure: { error: unknown } | undefined;
  #waiting: (() => void)[] = [];
  #idle: (() => void)[] = [];

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Adds a job; `ended` resolves when it has run (or never will, after a failure) and never rejects. */
  add(lane: Lane, bytes: number, run: () => Promise<void>, after?: Promise<unknown>): { ended: Promise<void> } {
    this.#jobs += 1;
    this.#bytes += bytes;
    const ended = new Promise<void>((resolve) => {
      const job: Job = { bytes, run, ended: resolve };
      if (after === undefined) this.#enter(lane, job);
      else void after.then(() => this.#enter(lane, job));
    });
    return { ended };
  }

  /** Resolves when there is room for more. @throws the first failure of any job */
  async room(): Promise<void> {
    while (this.#failure === undefined && (this.#jobs > MAX_JOBS || this.#bytes > MAX_BYTES)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.throwFailure();
  }

  /** Resolves when no job is left. @throws the first failure of any job */
  async drained(): Promise<void> {
    while (this.#jobs > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.throwFailure();
  }

  throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** No job of this lane starts until it is opened again. */
  closeLane(lane: Lane): void {
    lane.open = false;
    if (this.#turns.delete(lane)) this.#closed.add(lane);
  }

  openLane(lane: Lane): void {
    lane.open = true;
    this.#closed.delete(lane);
    if (lane.jobs.length > 0) this.#turns.add(lane);
    this.#start();
  }

  #enter(lane: Lane, job: Job): void {
    if (this.#failure) {
      this.#leave(job);
      return;
    }
    lane.jobs.push(job);
    if (!lane.open) {
      this.#closed.add(lane);
      return;
    }
    this.#turns.add(lane);
    this.#start();
  }

  #start(): void {
    while (this.#running < this.#concurrency) {
      const [lane] = this.#turns;
      const job = lane?.jobs.shift();
      if (lane === undefined || job === undefined) return;
      this.#turns.delete(lane);
      if (lane.jobs.length > 0) this.#turns.add(lane);
      this.#running += 1;
      void job.run().then(
        () => this.#finish(job),
        (error: unknown) => {
          this.#fail(error);
          this.#finish(job);
        },
      );
    }
  }

  #finish(job: Job): void {
    this.#running -= 1;
    this.#leave(job);
    this.#start();
  }

  #leave(job: Job): void {
    this.#jobs -= 1;
    this.#bytes -= job.bytes;
    job.ended();
    const woken = this.#waiting;
    if (woken.length > 0 && (this.#failure || (this.#jobs <= MAX_JOBS && this.#bytes <= MAX_BYTES))) {
      this.#waiting = [];
      for (const wake of woken) wake();
    }
    if (this.#jobs > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const wake of idle) wake();
  }

  /** After the first failure nothing new starts: the tree is going to be thrown away. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    const lanes = [...this.#turns, ...this.#closed];
    this.#turns.clear();
    this.#closed.clear();
    for (const lane of lanes) for (const job of lane.jobs.splice(0)) this.#leave(job);
  }
}
