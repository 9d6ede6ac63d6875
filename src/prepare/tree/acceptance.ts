import type { PrestageError } from '../../core/errors.js';
import type { Departure } from '../../plan/index.js';

/** What an archive was let through with: which rule it broke, and how often. */
export interface Remark {
  about: Departure;
  count: number;
  /** The first of them, as the archive has their names. */
  examples: string[];
}

const MAX_EXAMPLES = 3;

/**
 * Which rules an archive may break. A reader that finds one broken asks here: one place lets it pass, counts it, and says how to
 * let it pass.
 */
export class Acceptance {
  readonly #accepted: readonly Departure[];
  readonly #remarks = new Map<Departure, Remark>();

  constructor(accepted: readonly Departure[] = []) {
    this.#accepted = accepted;
  }

  /** Lets something pass that departs from a rule, if that is accepted. @throws the refusal, with how it would be */
  judge(departure: Departure, what: string, refusal: () => PrestageError): void {
    if (!this.accepts(departure)) throw this.#withRemedy(departure, refusal());
    this.#note(departure, what);
  }

  accepts(departure: Departure): boolean {
    return this.#accepted.includes(departure);
  }

  /** What there is to say of the archive. */
  get remarks(): Remark[] {
    return [...this.#remarks.values()];
  }

  #note(about: Departure, what: string): void {
    const remark = this.#remarks.get(about) ?? { about, count: 0, examples: [] };
    remark.count += 1;
    if (remark.examples.length < MAX_EXAMPLES) remark.examples.push(what);
    this.#remarks.set(about, remark);
  }

  #withRemedy(departure: Departure, error: PrestageError): PrestageError {
    const names = [...this.#accepted, departure].sort().join(', ');
    const remedy = `If the archive is right as it is: \`extract: {accept: [${names}]}\`.`;
    return error.with({ hint: error.hint === undefined ? remedy : `${error.hint} ${remedy}` });
  }
}
