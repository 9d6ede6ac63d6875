import { expect, onTestFinished, test } from 'vitest';
import { lacks } from '../requirements.js';
import { faultsOf, Preparation } from './preparation.js';

/** One in nine of the table, each operation with another errno; `test/endurance/faults.endurance.ts` has all of it. */
const STRIDE = 9;

test.skipIf(lacks('fuse', 'gcc'))(
  'each operation of a preparation fails once: the error says where and what to do, and the same command then succeeds',
  async () => {
    const { preparation, counts } = await Preparation.create();
    onTestFinished(() => preparation.remove());
    const faults = faultsOf(counts, [0, 0.5]).filter((_, index) => index % STRIDE === 0);
    expect(new Set(faults.map(({ side, op }) => `${side} ${op}`)).size).toBeGreaterThan(20);
    expect(await preparation.wrongWith(faults)).toEqual([]);
  },
  180_000, // some 20 s, and on a machine that others use several times that
);
