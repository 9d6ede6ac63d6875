import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedLimit } from './bounded.js';

test('never runs more than its capacity at once, runs everything, and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.integer({ min: 1, max: 12 })),
      async (capacity, weights) => {
        const limit = new SharedLimit(capacity);
        const started: number[] = [];
        let running = 0;
        let most = 0;
        const works = weights.map((weight, i) =>
          limit.run(async () => {
            started.push(i);
            running += Math.min(weight, capacity);
            most = Math.max(most, running);
            await new Promise(setImmediate);
            running -= Math.min(weight, capacity);
          }, weight),
        );
        await Promise.all(works);
        expect(most).toBeLessThanOrEqual(capacity);
        expect(started).toEqual(weights.map((_, i) => i));
      },
    ),
    { numRuns: 50 },
  );
});

test('gives room back when work fails', async () => {
  const limit = new SharedLimit(1);
  await expect(limit.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(limit.run(async () => 'yes')).resolves.toBe('yes');
});
