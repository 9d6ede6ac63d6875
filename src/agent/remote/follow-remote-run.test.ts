import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { PrestageError } from '../../core/errors.js';
import type { PrestageEvent } from '../../core/events.js';
import { followRemoteRun, type RemotePatience } from './follow-remote-run.js';
import { remoteRun } from './remote-run.js';

/** What a real agent writes to a real server is followed in test/aws/reporting-agent.test.ts. */
const keys = remoteRun('runs/r1');
const failure = { ok: false, error: { code: 'DISK_FULL', message: 'full', context: {} } };

/** Objects in memory. */
class Objects {
  readonly map = new Map<string, string>();
  readonly asked: string[] = [];
  failure: Error | undefined;

  async get(key: string): Promise<string | undefined> {
    this.ask(`get ${key}`);
    return this.map.get(key);
  }

  async list(prefix: string): Promise<string[]> {
    this.ask(`list ${prefix}`);
    return [...this.map.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  ask(what: string): void {
    this.asked.push(what);
    if (this.failure) throw this.failure;
  }

  events(number: number, ...messages: string[]): void {
    const lines = messages.map((message) => `${JSON.stringify({ type: 'notice', message })}\n`);
    this.map.set(keys.eventsOf(number), lines.join(''));
  }

  result(): void {
    this.map.set(keys.result, JSON.stringify(failure));
  }
}

function following(bucket: Objects, patience: Partial<RemotePatience> = {}) {
  const events: PrestageEvent[] = [];
  const life = new AbortController();
  const result = followRemoteRun({
    bucket,
    prefix: 'runs/r1',
    emit: (event) => events.push(event),
    signal: life.signal,
    patience: { pollMs: 2, ...patience },
  });
  result.catch(() => {});
  const told = () => events.map((event) => ('message' in event ? event.message : event.type));
  return { result, events, told, life };
}

const outage = () => new PrestageError('AWS_FAILED', 'S3 fails.', { retryable: true });

describe('a run in a bucket', () => {
  test('is given from its beginning, each event once and in order, and then its result', async () => {
    const bucket = new Objects();
    const { result, told } = following(bucket);
    bucket.events(1, 'a', 'b');
    await expect.poll(told).toEqual(['a', 'b']);
    bucket.events(2, 'c');
    bucket.events(3, 'd');
    await expect.poll(told).toEqual(['a', 'b', 'c', 'd']);
    bucket.result();
    expect(await result).toEqual(failure);
    expect(told()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('whose last events and result come between two requests loses none', async () => {
    const bucket = new Objects();
    const get = bucket.get.bind(bucket);
    bucket.get = async (key) => {
      const found = await get(key);
      if (key === keys.eventsOf(1) && found === undefined) {
        bucket.events(1, 'last');
        bucket.result();
      }
      return found;
    };
    const { result, told } = following(bucket);
    expect(await result).toEqual(failure);
    expect(told()).toEqual(['last']);
  });

  test('that was long under way is caught up with many at once, and in order', async () => {
    const bucket = new Objects();
    const expected = Array.from({ length: 100 }, (_, index) => `${index}`);
    for (const [index, message] of expected.entries()) bucket.events(index + 1, message);
    bucket.result();
    let underWay = 0;
    let most = 0;
    const get = bucket.get.bind(bucket);
    bucket.get = async (key) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(Math.random() * 3);
      underWay -= 1;
      return get(key);
    };
    const { result, told } = following(bucket);
    await result;
    expect(told()).toEqual(expected);
    expect(most).toBe(16);
  });

  test('takes two requests for each look while nothing is new, and one more at every tenth', async () => {
    const bucket = new Objects();
    const { life, result } = following(bucket, { pollMs: 5 });
    await expect.poll(() => bucket.asked.length).toBeGreaterThan(100);
    life.abort(new Error('enough'));
    await expect(result).rejects.toThrow('enough');
    const count = (what: string) => bucket.asked.filter((each) => each === what).length;
    expect(count(`list ${keys.events}`)).toBe(1);
    expect(count(`get ${keys.eventsOf(1)}`) - count(`get ${keys.result}`)).toBeLessThanOrEqual(1);
    expect(count(`get ${keys.heartbeat}`)).toBeLessThanOrEqual(count(`get ${keys.result}`) / 8 + 1);
  });
});

describe('an agent', () => {
  test('is silent when its heart stops, by our clock, whatever time it says', async () => {
    const bucket = new Objects();
    const { result } = following(bucket, { silenceMs: 1000 });
    for (let beat = 0; beat < 10; beat += 1) {
      bucket.map.set(keys.heartbeat, JSON.stringify({ time: `1970-01-01T00:00:0${beat}.000Z` }));
      await sleep(150);
    }
    const stopped = performance.now();
    expect(await result).toMatchObject({
      ok: false,
      error: { code: 'WORKER_DIED', message: expect.stringContaining('has said nothing') },
    });
    expect(performance.now() - stopped).toBeGreaterThan(500);
  });

  test('that has not begun is waited for', async () => {
    const bucket = new Objects();
    const { result } = following(bucket, { silenceMs: 20 });
    await sleep(100);
    bucket.result();
    expect(await result).toEqual(failure);
  });
});

describe('a bucket that fails', () => {
  test('is tried on, and said once; nothing is given twice', async () => {
    const bucket = new Objects();
    const { result, told } = following(bucket);
    bucket.events(1, 'a');
    await expect.poll(told).toEqual(['a']);
    bucket.failure = outage();
    await expect.poll(() => told().length).toBe(2);
    await sleep(30);
    bucket.failure = undefined;
    bucket.events(2, 'b');
    bucket.result();
    expect(await result).toEqual(failure);
    expect(told()).toEqual(['a', 'The bucket cannot be read: S3 fails.', 'b']);
  });

  test('for too long is an error', async () => {
    const bucket = new Objects();
    bucket.failure = outage();
    await expect(following(bucket, { outageMs: 50 }).result).rejects.toMatchObject({ code: 'AWS_FAILED' });
  });

  test('for want of credentials is an error at once', async () => {
    const bucket = new Objects();
    bucket.failure = new PrestageError('AWS_SETTINGS', 'expired');
    await expect(following(bucket).result).rejects.toMatchObject({ code: 'AWS_SETTINGS' });
    expect(bucket.asked).toHaveLength(1);
  });

  test('does not make an agent silent', async () => {
    const bucket = new Objects();
    bucket.map.set(keys.heartbeat, 'beat');
    const { result } = following(bucket, { silenceMs: 1000 });
    await expect.poll(() => bucket.asked.includes(`get ${keys.heartbeat}`)).toBe(true);
    bucket.failure = outage();
    await sleep(1500);
    bucket.failure = undefined;
    await sleep(100);
    bucket.result();
    expect(await result).toEqual(failure);
  });
});
