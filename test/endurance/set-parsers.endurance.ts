import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PrestageError } from '../../src/core/errors.js';
import { applySet } from '../../src/prepare/steps/set/index.js';
import { Chance } from '../chance.js';
import { seeded } from '../random.js';
import { awsTool, lacks } from '../requirements.js';
import { randomSetting } from '../set/random-settings.js';

/**
 * Random values, set in random files by a step, and read by parsers that are not ours: Python's configparser, json and
 * tomllib, PyYAML for YAML 1.1 and ruamel.yaml for 1.2. `PRESTAGE_SET_SEED` is the first case, so that a number that fails
 * comes again alone with `PRESTAGE_SET_CASES=1`; in CI it is always the same.
 */
const seed = Number(process.env.PRESTAGE_SET_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31));
const cases = Number(process.env.PRESTAGE_SET_CASES ?? 5000);

test.skipIf(lacks('yamlReaders'))(
  `values that are set, from number ${seed} on, are what other parsers read`,
  async () => {
    const script = fileURLToPath(new URL('../set/compare.py', import.meta.url));
    const python = spawn(awsTool('python3'), [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const answers = createInterface(python.stdout)[Symbol.asyncIterator]();
    let refused = 0;
    try {
      for (let number = seed; number < seed + cases; number += 1) {
        const setting = randomSetting(new Chance(seeded(number)));
        const after = changed(setting);
        if (after === undefined) {
          refused += 1;
          continue;
        }
        python.stdin.write(`${JSON.stringify({ ...setting, after })}\n`);
        const fault = JSON.parse((await answers.next()).value ?? '"it ended"') as string;
        expect({ number, ...setting, after, fault }).toEqual({ number, ...setting, after, fault: '' });
      }
    } finally {
      python.kill();
    }
    console.log(`set: ${cases} cases from number ${seed}, of which ${refused} were refused`);
    expect(refused).toBeLessThan(cases / 4);
  },
);

/** The file afterwards; undefined where the step refuses the change, as it may. */
function changed({ format, before, key, value }: ReturnType<typeof randomSetting>): string | undefined {
  try {
    return applySet(Buffer.from(before), format, { [key]: value }, `a.${format}`).content.toString();
  } catch (error) {
    if (error instanceof PrestageError && error.code === 'STEP_INVALID') return undefined;
    throw error;
  }
}
