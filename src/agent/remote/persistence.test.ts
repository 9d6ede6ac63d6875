import { expect, test } from 'vitest';
import { PrestageError } from '../../core/errors.js';
import { persistently } from './persistence.js';

const away = () => new PrestageError('SOURCE_UNREACHABLE', 'away', { retryable: true });
const refused = () => new PrestageError('SOURCE_REFUSED', 'refused');
const quick = { pauseMs: 1, refusalMs: 40 };
const { signal } = new AbortController();

/** Fails as told, and then succeeds. */
function failing(...failures: (() => Error)[]) {
  return async () => {
    const failure = failures.shift();
    if (failure) throw failure();
    return 'done';
  };
}

const times = (count: number, failure: () => Error) => Array.from({ length: count }, () => failure);

test('is done once it succeeds, after whatever failures', async () => {
  expect(
    await persistently(
      failing(refused, away, refused, () => new Error('odd')),
      signal,
      quick,
    ),
  ).toBe('done');
});

test('outlasts a server that is away for long', async () => {
  const started = performance.now();
  expect(await persistently(failing(...times(100, away)), signal, quick)).toBe('done');
  expect(performance.now() - started).toBeGreaterThan(quick.refusalMs);
});

test('gives up what is refused again and again', async () => {
  await expect(persistently(failing(...times(10_000, refused)), signal, quick)).rejects.toThrow('refused');
});

test('ends with the reason of its signal', async () => {
  const life = new AbortController();
  const trying = persistently(failing(...times(10_000, away)), life.signal, quick);
  life.abort(new Error('enough'));
  await expect(trying).rejects.toThrow('enough');
});
