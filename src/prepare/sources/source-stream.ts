/**
 * A source's bytes, for a reader who may look at the beginning first and need not read to the end. Ending an iteration
 * early does not end the source: it must be drained, since only at its end is it known to be what it should.
 */
export class SourceStream implements AsyncIterable<Buffer> {
  readonly #chunks: AsyncGenerator<Buffer>;
  #ahead: Buffer[] = [];

  constructor(chunks: AsyncGenerator<Buffer>) {
    this.#chunks = chunks;
  }

  /** The first bytes, or as many as there are; they are still given to anyone who reads. */
  async head(count: number): Promise<Buffer> {
    let size = this.#ahead.reduce((sum, chunk) => sum + chunk.length, 0);
    while (size < count) {
      const next = await this.#chunks.next();
      if (next.done) break;
      this.#ahead.push(next.value);
      size += next.value.length;
    }
    const head = Buffer.concat(this.#ahead);
    this.#ahead = head.length === 0 ? [] : [head];
    return head.subarray(0, count);
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return {
      next: async () => {
        const ahead = this.#ahead.shift();
        if (ahead !== undefined) return { value: ahead };
        const next = await this.#chunks.next();
        return next.done ? { done: true, value: undefined } : { value: next.value };
      },
    };
  }

  /** Reads what nobody wanted, and with that proves the whole. @throws what the source finds wrong */
  async drain(): Promise<void> {
    for await (const _ of this);
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }
}
