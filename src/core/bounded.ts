/** Does `work` for every item, at most `limit` at a time. After the first failure nothing new starts; it is thrown. */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { error: unknown } | undefined;
  const worker = async () => {
    for (let next = iterator.next(); !next.done && !failure; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failure) throw failure.error;
}

/** The results in the items' order. */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  await forEachBounded(items.entries(), limit, async ([index, item]) => {
    results[index] = await work(item);
  });
  return results;
}

/** A limit that several callers share: work runs at once as long as its weights together stay within a capacity; the rest waits in order. */
export class SharedLimit {
  #free: number;
  readonly #capacity: number;
  readonly #waiting: { weight: number; start: () => void }[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#free = capacity;
  }

  /** @param weight work heavier than the whole capacity runs alone */
  async run<T>(work: () => Promise<T>, weight = 1): Promise<T> {
    const held = Math.min(weight, this.#capacity);
    await new Promise<void>((start) => {
      this.#waiting.push({ weight: held, start });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#free += held;
      this.#next();
    }
  }

  /** First come, first served: light work does not overtake heavy work, which might then never start. */
  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined && first.weight <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= first.weight;
      first.start();
    }
  }
}
