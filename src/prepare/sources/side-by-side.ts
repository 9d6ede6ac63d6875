import { Attempts, type RetryPolicy } from '../../remote/index.js';

/**
 * A large object of S3 in ranges, as many at a time as its reader needs. One connection gives some 90 MB/s there, and S3 takes
 * any number ("Performance design patterns for Amazon S3", which also says to ask for 8 to 16 MB, aligned to the parts that the
 * object was uploaded in).
 */

const MIB = 1024 * 1024;
const SMALLEST_RANGE_BYTES = 8 * MIB;
const LARGEST_RANGE_BYTES = 16 * MIB;
/** Nothing is known of the object when its first range is asked for. */
export const FIRST_RANGE_BYTES = SMALLEST_RANGE_BYTES;
/** Below, a second connection would not have begun before the first one is done. */
export const LARGE_BYTES = 2 * SMALLEST_RANGE_BYTES;

/** Connections of one download. */
const MOST = 16;

/** Bytes from the first to before `end`. */
export interface Range {
  from: number;
  end: number;
}

/** Memory for ranges that are fetched before their turn, in bytes, for all downloads of a preparation. */
export class RangeBudget {
  #free: number;

  constructor(bytes = 96 * MIB) {
    this.#free = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#free += bytes;
  }
}

interface Object {
  /** Bytes. */
  total: number;
  etag: string | undefined;
  budget: RangeBudget;
  policy: RetryPolicy;
}

type Read = (range: Range, attempts: Attempts, signal: AbortSignal) => AsyncGenerator<Buffer>;

/** A range that is being fetched, with all its bytes in memory. */
interface Fetch {
  /** Resolves to its bytes in order. */
  chunks: Promise<Buffer[]>;
  isDone: boolean;
  /** Bytes taken from the budget. */
  held: number;
}

/**
 * All bytes in order. More ranges are fetched at a time whenever the reader has to wait, and fewer when the server fails. The range
 * that is waited for needs no room in the budget, so that no download ever waits for another.
 * @throws what reading the range that is next throws
 */
export async function* sideBySide(object: Object, read: Read): AsyncGenerator<Buffer> {
  const { total, etag, budget, policy } = object;
  const ended = new AbortController();
  const signal = AbortSignal.any([policy.signal, ended.signal]);
  const fetches: Fetch[] = [];
  const stepFrom = rangesOf(etag, total);
  let width = 2;
  let position = 0;

  function begin(range: Range, held: number): Fetch {
    const fetch: Fetch = { chunks: Promise.resolve([]), isDone: false, held };
    const onRetry: RetryPolicy['onRetry'] = (retry) => {
      width = Math.max(1, width >> 1);
      if (fetches[0] === fetch) policy.onRetry(retry); // nobody waits for the others yet
    };
    const collect = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of read(range, new Attempts({ ...policy, signal, onRetry }), signal)) chunks.push(chunk);
      fetch.isDone = true;
      return chunks;
    };
    fetch.chunks = collect();
    fetch.chunks.catch(() => {}); // seen when it is its turn
    return fetch;
  }

  function fetchMore(): void {
    while (position < total && fetches.length < width) {
      const range = { from: position, end: position === 0 ? FIRST_RANGE_BYTES : stepFrom(position) };
      const size = range.end - range.from;
      const isNext = fetches.length === 0;
      if (!isNext && !budget.take(size)) break;
      fetches.push(begin(range, isNext ? 0 : size));
      position = range.end;
    }
  }

  try {
    for (;;) {
      fetchMore();
      const [next] = fetches;
      if (next === undefined) return;
      if (!next.isDone) width = Math.min(2 * width, MOST);
      const chunks = await next.chunks;
      fetches.shift();
      fetchMore();
      try {
        yield* chunks;
      } finally {
        budget.give(next.held);
      }
    }
  } finally {
    ended.abort();
    for (const { held } of fetches) budget.give(held);
  }
}

/** Where a range that begins at a position ends. */
function rangesOf(etag: string | undefined, total: number): (from: number) => number {
  const part = partOf(etag, total);
  if (part === undefined || part <= SMALLEST_RANGE_BYTES) {
    const step = part === undefined ? SMALLEST_RANGE_BYTES : part * Math.ceil(SMALLEST_RANGE_BYTES / part);
    return (from) => Math.min(total, (Math.floor(from / step) + 1) * step);
  }
  const step = Math.ceil(part / Math.ceil(part / LARGEST_RANGE_BYTES));
  return (from) => Math.min(total, from + step, (Math.floor(from / part) + 1) * part);
}

/**
 * The bytes of each part of its upload. The ETag says how many there were (`…-12`), and programs upload in whole MiB: it is the
 * smallest size that gives that number. Where it is another, ranges are only not aligned.
 */
function partOf(etag: string | undefined, total: number): number | undefined {
  const parts = Number(/-(\d+)"$/.exec(etag ?? '')?.[1] ?? 1);
  const part = Math.ceil(total / parts / MIB) * MIB;
  return parts > 1 && Math.ceil(total / part) === parts ? part : undefined;
}
