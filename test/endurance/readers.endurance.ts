import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrestageError } from '../../src/core/errors.js';
import { place, unpack } from '../archives/unpacked.js';
import { repository } from '../prestage.js';
import { seeded } from '../random.js';
import { KNOWN_GAPS } from '../readers/known-gaps.js';
import { Dice, type OddArchive } from '../readers/odd-archive.js';
import { oddAr, oddCpio, oddDeb } from '../readers/odd-packages.js';
import { oddTar } from '../readers/odd-tars.js';
import { oddZip } from '../readers/odd-zips.js';
import { startReaders, treeBy } from '../readers/readers.js';
import { type Tree, treeOf } from '../readers/tree-in.js';
import { lacks } from '../requirements.js';

/**
 * A tree of ours is the tree of everybody: archives at the edges of the formats, unpacked by other programs beside us. What
 * programs read differently must be refused by us. `PRESTAGE_DIFFERENTIAL_SECONDS` is the time for all formats together;
 * `PRESTAGE_DIFFERENTIAL_SEED` repeats a run, or begins with the archive that a failure names. In CI they are always the same
 * archives, however fast its machine is: a build fails for what its change brings.
 */
const seconds = Number(process.env.PRESTAGE_DIFFERENTIAL_SECONDS ?? (process.env.CI ? 300 : 60));
const archives = process.env.CI ? 300 : Number.POSITIVE_INFINITY;
const seed = Number(process.env.PRESTAGE_DIFFERENTIAL_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31));

const FORMATS: readonly [format: string, make: (dice: Dice) => OddArchive, share: number][] = [
  ['tar', oddTar, 0.35],
  ['zip', oddZip, 0.35],
  ['cpio', oddCpio, 0.1],
  ['ar', oddAr, 0.1],
  ['deb', oddDeb, 0.1],
];

const isMissing = lacks('go', 'javac', 'python3', 'bsdtar', 'sevenZip', 'zip', 'cpio', 'ar', 'dpkgDeb');

describe.skipIf(isMissing)(`from seed ${seed} on, no program sees another tree than we do of`, () => {
  let started: ReturnType<typeof startReaders>;
  beforeAll(() => {
    started = startReaders();
  });
  afterAll(() => started.stop());

  test.each(FORMATS)('a %s', { timeout: seconds * 1000 + 120_000 }, async (format, make, share) => {
    const until = Date.now() + seconds * share * 1000;
    const counts = { archives: 0, read: 0, compared: 0 };
    for (let its = seed; its < seed + archives * share && Date.now() < until; its += 1) {
      const archive = make(new Dice(seeded(its)));
      const { ours, others } = await treesOf(archive, started.readers);
      counts.archives += 1;
      if (ours === undefined) continue;
      counts.read += 1;
      counts.compared += Object.keys(others).length > 0 ? 1 : 0;
      const differing = Object.fromEntries(Object.entries(others).filter(([, tree]) => !isSame(tree, ours)));
      if (Object.keys(differing).length > 0) keep(archive, its);
      expect.soft(differing, `seed ${its}: we see ${JSON.stringify(ours, undefined, 1)}`).toEqual({});
    }
    console.log(`${format}: ${counts.archives} archives, ${counts.read} read, ${counts.compared} by others as well`);
    expect(counts.compared).toBeGreaterThan(0);
  });
});

/** What we make of an archive, and who else reads it; what is refused is left out. */
async function treesOf(
  { format, bytes, features }: OddArchive,
  readers: ReturnType<typeof startReaders>['readers'],
): Promise<{ ours: Tree | undefined; others: Record<string, Tree> }> {
  const where = place();
  const within = mkdtempSync(join(tmpdir(), 'prestage-readers-'));
  const others: Record<string, Tree> = {};
  try {
    const ours = await unpack(where, bytes).catch((error: unknown) => {
      if (error instanceof PrestageError && error.code !== 'INTERNAL') return undefined;
      throw error;
    });
    const file = where.write(`other.${format}`, bytes);
    for (const reader of ours === undefined ? [] : readers) {
      if (!reader.formats.includes(format) || KNOWN_GAPS[reader.name]?.some((gap) => features.has(gap))) continue;
      const tree = await treeBy(reader, file, format, within);
      if (tree !== undefined) others[reader.name] = tree;
    }
    return { ours: ours && treeOf(ours.entries), others };
  } finally {
    where.remove();
    rmSync(within, { recursive: true, force: true });
  }
}

function isSame(one: Tree, other: Tree): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function keep({ format, bytes }: OddArchive, its: number): void {
  const folder = join(repository, 'tmp/differential');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${its}.${format}`), bytes);
}
