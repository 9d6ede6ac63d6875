import type { Config, PackageConfig } from '../config/index.js';
import { asOneError, type ErrorContext, PrestageError } from '../core/errors.js';

/** What concerns one source alone. Anything else, such as settings of a proxy, would fail the others too. */
const OF_A_SOURCE = /^SOURCE_|^LOGIN_SETTINGS$|^INTEGRITY_MISMATCH$/;

/** What is wrong with sources: each with its package and its line of the configuration, and all of it told at once. */
export class SourceFailures {
  readonly #errors = new Map<PackageConfig, PrestageError>();
  readonly #config: Config;
  readonly #signal: AbortSignal | undefined;

  constructor(config: Config, signal: AbortSignal | undefined) {
    this.#config = config;
    this.#signal = signal;
  }

  /** Undefined, with the failure kept, where the source cannot be had. */
  async attempt<T>(item: PackageConfig, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!(error instanceof PrestageError && OF_A_SOURCE.test(error.code))) throw error;
      this.#errors.set(item, error);
      return undefined;
    }
  }

  /** @throws them, after what else is wrong */
  throwAny(others: readonly PrestageError[]): void {
    const [first, ...more] = [...others, ...this.#inOrder()];
    if (first === undefined) return;
    throw asOneError([first, ...more], { hint: 'Correct them and run the same command again.' });
  }

  /** In the configuration's order, whichever server answered first. Packages with the same source share its failure. */
  #inOrder(): PrestageError[] {
    const told = new Set<PrestageError>();
    return this.#config.packages.flatMap((item) => {
      const error = this.#errors.get(item);
      if (error === undefined || told.has(error)) return [];
      told.add(error);
      return [error.within(this.#placeOf(item, error))];
    });
  }

  #placeOf({ id, integrity }: PackageConfig, { code }: PrestageError): ErrorContext {
    const key = code === 'INTEGRITY_MISMATCH' && integrity !== undefined ? 'integrity' : 'source';
    const line = this.#config.locate(['packages', id, key]);
    return { package: id, configFile: this.#config.file, ...(line === undefined ? {} : { configLine: line }) };
  }
}
