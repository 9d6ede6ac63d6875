/**
 * Work that goes on side by side, bounded by number and by the memory that it holds. `start` resolves when the work has
 * begun, so the caller reads ahead no further than is useful; the first failure is thrown by the next call.
 */
export class BoundedWork {
  readonly #maxJobs: number;
  readonly #maxBytes: number;
  #jobs = 0;
  #bytes = 0;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(maxJobs: number, maxBytes: number) {
    this.#maxJobs = maxJobs;
    this.#maxBytes = maxBytes;
  }

  async start(bytes: number, work: () => Promise<void>): Promise<void> {
    while (this.#jobs >= this.#maxJobs || (this.#jobs > 0 && this.#bytes + bytes > this.#maxBytes))
      await this.#change();
    this.throwFailure();
    this.#jobs += 1;
    this.#bytes += bytes;
    void work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .then(() => {
        this.#jobs -= 1;
        this.#bytes -= bytes;
        this.#wake?.();
      });
  }

  /** Waits for all that was started, well or not. */
  async settled(): Promise<void> {
    while (this.#jobs > 0) await this.#change();
  }

  throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** For one caller at a time. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
