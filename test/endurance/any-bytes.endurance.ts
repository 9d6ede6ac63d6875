import { describe, expect, test } from 'vitest';
import { fuzz } from '../fuzz/fuzz.js';

/**
 * Fuzzing, guided by which code ran: whatever the bytes, no crash, no hang, nothing outside, no memory without a bound.
 * `PRESTAGE_FUZZ_SECONDS` is the time for all together; `PRESTAGE_FUZZ_SEED` repeats a run; in CI it is
 * always the same, so that a build fails for what its change brings, and elsewhere another each time. For the same reason
 * CI leaves out `set`: nobody but the user's own steps leads to its files, and a faster machine still comes to an odd one
 * that it refuses with the wrong words. What was found is in the corpus, which `npm test` goes through everywhere.
 */
const seconds = Number(process.env.PRESTAGE_FUZZ_SECONDS ?? 150);
const seed = Number(process.env.PRESTAGE_FUZZ_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31));

describe.concurrent(`with seed ${seed}`, () => {
  // Two at a time, as a machine of two cores can.
  test('archives of any bytes', { timeout: seconds * 1000 + 200_000 }, async () => {
    await fuzzed('archive', seconds);
  });

  test('patches, configuration files and manifests of any bytes', { timeout: seconds * 1000 + 600_000 }, async () => {
    await fuzzed('patch', seconds * 0.4);
    if (!process.env.CI) await fuzzed('set', seconds * 0.5);
    await fuzzed('manifest', seconds * 0.1);
  });
});

async function fuzzed(target: Parameters<typeof fuzz>[0]['target'], duration: number): Promise<void> {
  const { runs, reached, blocks } = await fuzz({ target, seconds: duration, seed });
  console.log(`${target}: ${runs} runs, ${reached} inputs that reached something new, ${blocks} blocks of code`);
  expect(runs).toBeGreaterThan(0);
}
