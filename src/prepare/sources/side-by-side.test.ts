import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Attempts } from '../../remote/index.js';
import { Attempt } from '../../remote/index.js';
import { type Range, RangeBudget, sideBySide } from './side-by-side.js';

const MIB = 1024 * 1024;

/** Every range is one chunk that says where it is; `read` may wait, or fail. */
function ranges(
  { total, etag, budget = new RangeBudget() }: { total: number; etag?: string; budget?: RangeBudget },
  read: (range: Range, attempts: Attempts, signal: AbortSignal) => Promise<void> = async () => {},
) {
  const asked: Range[] = [];
  const retries: string[] = [];
  const controller = new AbortController();
  const policy = {
    signal: controller.signal,
    onRetry: ({ reason }: { reason: string }) => void retries.push(reason),
    baseDelayMs: 1,
  };
  const chunks = sideBySide({ total, etag, budget, policy }, async function* (range, attempts, signal) {
    asked.push(range);
    await read(range, attempts, signal);
    yield Buffer.from(JSON.stringify(range));
  });
  return { chunks, asked, retries, controller };
}

async function all(chunks: AsyncIterable<Buffer>): Promise<Range[]> {
  const found: Range[] = [];
  for await (const chunk of chunks) found.push(JSON.parse(`${chunk}`));
  return found;
}

test('ranges are given in order, without a gap, however long each takes; the first is of 8 MiB', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 16 * MIB, max: 400 * MIB }),
      fc.option(fc.integer({ min: 2, max: 80 }), { nil: undefined }),
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      async (total, parts, delays) => {
        const etag = parts === undefined ? '"a"' : `"a-${parts}"`;
        const { chunks } = ranges({ total, etag }, async () => void (await sleep(delays.next().value ?? 0)));
        let position = 0;
        for (const { from, end } of await all(chunks)) {
          expect(from).toBe(position);
          expect(end).toBeGreaterThan(from);
          expect(end - from).toBeLessThanOrEqual(16 * MIB);
          position = end;
        }
        expect(position).toBe(total);
      },
    ),
    { numRuns: 30 },
  );
});

test.each([
  [5, [8, 10, 20, 30]], // the least that S3 takes: two at once
  [8, [8, 16, 24, 32]], // the AWS command line
  [50, [8, 20.5, 33, 45.5, 50, 62.5, 75, 87.5, 100]], // s5cmd
])('of an upload in parts of %i MiB, ranges end where its parts do', async (part, ends) => {
  const total = 12 * part * MIB - 1000;
  const { chunks } = ranges({ total, etag: '"0123-12"' });
  const found = (await all(chunks)).map(({ end }) => end / MIB);
  expect(found.slice(0, ends.length)).toEqual(ends);
  for (let at = part; at < 12 * part; at += part) if (part >= 8) expect(found).toContain(at);
});

test('more are fetched at once where the reader waits, up to the budget, which all downloads share', async () => {
  const budget = new RangeBudget(40 * MIB);
  let running = 0;
  let most = 0;
  const slow = async () => {
    running += 1;
    most = Math.max(most, running);
    await sleep(5);
    running -= 1;
  };
  const downloads = [1, 2].map(() => ranges({ total: 400 * MIB, budget }, slow));
  await Promise.all(downloads.map(({ chunks }) => all(chunks)));
  // Five of 8 MiB are the budget; each download has one beside it, and may have handed one on.
  expect(most).toBeGreaterThanOrEqual(6);
  expect(most).toBeLessThanOrEqual(9);
  expect([budget.take(40 * MIB), budget.take(1)]).toEqual([true, false]);
});

test('a reader who is slower than one connection has two ranges fetched ahead, and no more', async () => {
  const { chunks, asked } = ranges({ total: 400 * MIB });
  let read = 0;
  for await (const _ of chunks) {
    await sleep(2);
    read += 1;
    if (read > 3) expect(asked.length - read).toBeLessThanOrEqual(4);
  }
});

test('one that fails is repeated alone, and told once somebody waits for it', async () => {
  let failures = 0;
  const { chunks, asked, retries } = ranges({ total: 80 * MIB }, async ({ from }, attempts) => {
    while (from === 24 * MIB && failures < 2) {
      failures += 1;
      await attempts.failed(new Attempt(`no ${failures}`, {}));
    }
  });
  expect((await all(chunks)).map(({ from }) => from / MIB)).toEqual([0, 8, 16, 24, 32, 40, 48, 56, 64, 72]);
  expect(asked).toHaveLength(10);
  expect(retries.length).toBeLessThanOrEqual(2);
});

test.each([
  ['the reader ends', async (chunks: AsyncGenerator<Buffer>) => void (await chunks.return(undefined))],
  ['a range is refused', async (chunks: AsyncGenerator<Buffer>) => void (await all(chunks).catch(() => {}))],
])('where %s, the others end as well, and the budget is whole again', async (_, end) => {
  const budget = new RangeBudget(40 * MIB);
  let ended = 0;
  const { chunks } = ranges({ total: 400 * MIB, budget }, async ({ from }, _, signal) => {
    if (from < 16 * MIB) return;
    if (from === 16 * MIB) throw new Error('refused');
    await sleep(60_000, undefined, { signal }).catch(() => {
      ended += 1;
      throw signal.reason;
    });
  });
  await chunks.next();
  await end(chunks);
  await sleep(1);
  expect(ended).toBeGreaterThan(0);
  expect([budget.take(40 * MIB), budget.take(1)]).toEqual([true, false]);
});
