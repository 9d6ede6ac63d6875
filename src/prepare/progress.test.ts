import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PrestageEvent } from '../core/events.js';
import { Progress } from './progress.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('is said at most four times a second, with what was done by then', () => {
  const events: PrestageEvent[] = [];
  const progress = new Progress((event) => events.push(event), 'installer', { bytesTotal: 1000 });
  for (let i = 1; i <= 100; i += 1) {
    vi.advanceTimersByTime(10);
    progress.add({ bytes: 10, files: 1 });
  }
  expect(events).toEqual(
    [25, 50, 75, 100].map((done) => ({
      type: 'package.progress',
      package: 'installer',
      bytes: done * 10,
      files: done,
      bytesTotal: 1000,
    })),
  );
});
