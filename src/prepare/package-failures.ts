import { asOneError, asPrestageError, type PrestageError } from '../core/errors.js';
import type { PackagePlan } from '../plan/index.js';

/** What concerns one package alone: its source, its archives, its steps. Anything else would fail the others too. */
const OF_A_PACKAGE = /^(?:STEP|PATCH|TEMPLATE|ARCHIVE|SOURCE)_|^(?:INTEGRITY_MISMATCH|CONFIG_FILE_MISSING)$/;

/** The failures of packages that are prepared side by side: one does not end the work on the others. */
export class PackageFailures {
  readonly #errors = new Map<string, PrestageError>();
  readonly #end = new AbortController();
  readonly #failFast: boolean;

  constructor(options: { failFast?: boolean | undefined }) {
    this.#failFast = options.failFast ?? false;
  }

  /** Aborted where nothing more is to be done for any package. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Does a package's work, and keeps what it fails with. What fails because all is to end says nothing. */
  async attempt(plan: PackagePlan, work: () => Promise<void>): Promise<void> {
    if (this.signal.aborted) return;
    try {
      await work();
    } catch (thrown) {
      if (this.signal.aborted) return;
      const error = asPrestageError(thrown, { package: plan.id });
      this.#errors.set(plan.id, error);
      if (this.#failFast || !OF_A_PACKAGE.test(error.code)) this.#end.abort();
    }
  }

  /** @throws all that failed, in the order of the plan */
  throwAny(packages: readonly PackagePlan[]): void {
    const failed = packages.filter(({ id }) => this.#errors.has(id));
    const [first, ...more] = failed.flatMap(({ id }) => this.#errors.get(id) ?? []);
    if (first === undefined) return;
    throw asOneError([first, ...more], {
      hint: 'Correct them and run the same command again: the packages that are prepared are kept. `--fail-fast` stops at the first error.',
      context: { packages: failed.map(({ id }) => id) },
    });
  }
}
