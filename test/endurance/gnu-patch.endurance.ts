import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { Chance } from '../chance.js';
import { MORE, STRICTER } from '../patches/announced.js';
import { applyByGnu, applyByStep, type Verdict } from '../patches/apply-both.js';
import { type PatchCase, randomCase } from '../patches/random-patches.js';
import type { Files } from '../patches/random-trees.js';
import { seeded } from '../random.js';
import { lacks } from '../requirements.js';

/**
 * Random patches, as programs make them and people then change them, applied to random trees by GNU patch and by a step:
 * the same verdict and the same tree, but for what is announced. `PRESTAGE_PATCH_SEED` is the first case, so that a number
 * that fails comes again alone with `PRESTAGE_PATCH_CASES=1`. In CI they are always the same, however fast its machine is: a
 * build fails for what its change brings.
 */
const seed = Number(process.env.PRESTAGE_PATCH_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31));
const cases = Number(process.env.PRESTAGE_PATCH_CASES ?? (process.env.CI ? 2000 : Number.POSITIVE_INFINITY));
const seconds = Number(process.env.PRESTAGE_PATCH_SECONDS ?? (process.env.CI ? 300 : 60));

test.skipIf(lacks('patch'))(`patches from number ${seed} on do as GNU patch does`, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'prestage-patches-'));
  mkdirSync(join(scratch, 'made'));
  const until = performance.now() + seconds * 1000;
  const rules = new Map<string, number>();
  let count = 0;
  try {
    for (; count < cases && performance.now() < until; count += 1) {
      const number = seed + count;
      const random = randomCase(join(scratch, 'made'), new Chance(seeded(number)));
      const gnu = applyByGnu(random, scratch);
      const ours = await applyByStep(random, scratch);
      const rule = compare(random, gnu, ours);
      if (rule === undefined)
        expect({ number, ...shown(random), verdict: ours }).toEqual({ number, ...shown(random), verdict: gnu });
      else rules.set(rule, (rules.get(rule) ?? 0) + 1);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  const others = [...rules].map(([rule, times]) => `${times} ${rule}`).join(', ');
  console.log(`patches: ${count} cases from number ${seed}: ${others}`);
  if (count > 1) expect(rules.get('the same')).toBeGreaterThan(count / 2);
});

/** `the same`, or the rule by which they differ; undefined: they differ, and nobody was told. */
function compare(random: PatchCase, gnu: Verdict, ours: Verdict): string | undefined {
  const patch = random.patch.toString('latin1');
  if ('refused' in ours) {
    const isWell = /^(?:PATCH_FAILED|PATCH_INVALID|STEP_FILE_MISSING|STEP_INVALID)/.test(ours.refused);
    if ('refused' in gnu && isWell) return 'the same';
    return STRICTER.find((stricter) => stricter.says.test(ours.refused) && (stricter.patch?.test(patch) ?? true))?.rule;
  }
  if ('files' in gnu) return isDeepStrictEqual(sorted(gnu.files), sorted(ours.files)) ? 'the same' : undefined;
  return MORE.find((more) => more.patch.test(patch) && more.gnu.test(gnu.refused))?.rule;
}

function sorted(files: Files): [string, unknown][] {
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1));
}

function shown({ how, strip, fuzz, patch, files }: PatchCase) {
  return { how, strip, fuzz, patch: patch.toString('latin1'), files };
}
