/** Lets work run at once as long as its weights together stay within a capacity; the rest waits in order. */
export class WeightedLimit {
  #free: number;
  readonly #capacity: number;
  readonly #waiting: { weight: number; start: () => void }[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#free = capacity;
  }

  /** Work heavier than the whole capacity runs alone. */
  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
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
