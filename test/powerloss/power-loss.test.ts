import { expect, onTestFinished, test } from 'vitest';
import { lacks } from '../requirements.js';
import { type EngineOptions, lifeOfEngine, wrongAfterPowerFailures } from './lives.js';

/** Short; `test/endurance/power-loss.endurance.ts` has more moments and file systems, and the command itself. */
const MOMENTS = 8;

async function wrongWith(options: EngineOptions): Promise<string[]> {
  const life = await lifeOfEngine('ext4', options);
  onTestFinished(() => life.remove());
  return wrongAfterPowerFailures(life, MOMENTS, 2026);
}

const skipped = lacks('fuse', 'gcc', 'ext4', 'loop');

test.skipIf(skipped)(
  'when the power fails, what is published is whole, what was done stays, and the same command succeeds',
  async () => {
    expect(await wrongWith({})).toEqual([]);
  },
);

test.skipIf(skipped)('without the flush of contents, this would be told', async () => {
  expect(await wrongWith({ without: 'the flush of contents' })).toContainEqual(expect.stringContaining('differs'));
});
