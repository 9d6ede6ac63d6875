import type { PrestageError } from '../../core/errors.js';
import type { Departure } from '../../plan/index.js';

/** What of archives has no place in a tree, and is left out whoever asks. */
export type LeftOut = 'acls' | 'backup-lists' | 'volume-labels' | 'volume-parts';

/** Something that is said of an archive when it is unpacked: which rule it broke, or what was left out, and how often. */
export interface Remark {
  about: Departure | LeftOut;
  count: number;
  /** The first of them, as the archive has their names. */
  examples: string[];
}

const MAX_EXAMPLES = 3;

/**
 * Which rules an archive may break. Whoever finds one broken asks here, so that there is one place that lets it pass, counts
 * it, and says how to let it pass.
 */
export class Acceptance {
  readonly #accepted: readonly Departure[];
  readonly #remarks = new Map<string, Remark>();

  constructor(accepted: readonly Departure[] = []) {
    this.#accepted = accepted;
  }

  /** Lets something pass that departs from a rule, if that is accepted. @throws the refusal, with how it would be */
  judge(departure: Departure, what: string, refusal: () => PrestageError): void {
    if (!this.accepts(departure)) throw this.#withRemedy(departure, refusal());
    this.note(departure, what);
  }

  accepts(departure: Departure): boolean {
    return this.#accepted.includes(departure);
  }

  note(about: Remark['about'], what: string): void {
    const remark = this.#remarks.get(about) ?? { about, count: 0, examples: [] };
    remark.count += 1;
    if (remark.examples.length < MAX_EXAMPLES) remark.examples.push(what);
    this.#remarks.set(about, remark);
  }

  /** What there is to say of the archive. */
  get remarks(): Remark[] {
    return [...this.#remarks.values()];
  }

  #withRemedy(departure: Departure, error: PrestageError): PrestageError {
    const names = [...this.#accepted, departure].sort().join(', ');
    const remedy = `If the archive is right as it is: \`extract: {accept: [${names}]}\`.`;
    return error.with({ hint: error.hint === undefined ? remedy : `${error.hint} ${remedy}` });
  }
}
