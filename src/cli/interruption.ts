import { setMaxListeners } from 'node:events';
import { PrestageError } from '../core/errors.js';
import type { PrestageEvent } from '../core/events.js';

type Signal = 'SIGINT' | 'SIGTERM';

/**
 * What Ctrl-C and SIGTERM do: the first aborts what this command does, and it ends as soon as that has let go; the
 * second ends it at once. Neither touches a worker.
 */
export class Interruption {
  readonly #controller = new AbortController();
  #received: Signal | undefined;
  #preparing = false;
  /** What a command that cleans up after itself has left at this moment, in words. */
  left: (() => string) | undefined;

  constructor() {
    // Many parts of one command may wait for it at once; that is no leak.
    setMaxListeners(0, this.#controller.signal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts to listen; what is returned ends it. */
  listen({ first, second }: { first: () => void; second: () => void }): () => void {
    const listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
      const listener = () => {
        const again = this.#received !== undefined;
        this.#received ??= signal;
        if (again) return second();
        first();
        this.#controller.abort(this.error());
      };
      process.on(signal, listener);
      return () => process.off(signal, listener);
    });
    return () => {
      for (const off of listeners) off();
    };
  }

  /** Anyone who read our output left, and output is all that this command is for. */
  readerLeft(): void {
    this.#controller.abort();
  }

  get received(): boolean {
    return this.#received !== undefined;
  }

  watch(event: PrestageEvent): void {
    if (event.type === 'worker.started' || event.type === 'worker.attached') this.#preparing = true;
    if (event.type === 'worker.finished' || event.type === 'worker.failed') this.#preparing = false;
  }

  #hint(): string {
    return this.#preparing
      ? 'The preparation goes on in the background; the same command attaches to it.'
      : 'Nothing is lost: run the same command to continue from there.';
  }

  error(): PrestageError {
    const [code, message] =
      this.#received === 'SIGTERM'
        ? (['TERMINATED', 'Terminated by a signal.'] as const)
        : (['INTERRUPTED', 'Interrupted.'] as const);
    return new PrestageError(code, message, {
      hint: this.left?.() ?? this.#hint(),
    });
  }
}
