import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, test } from 'vitest';
import { repository } from '../prestage.js';
import { seeded } from '../random.js';
import { filesIn } from './seeds.js';
import { TARGETS, type TargetName } from './targets.js';

/**
 * Inputs that fuzzing found, by what they are for: those that failed once, and the smallest that reach what nothing else
 * does. The file's name is what it came from, and its CRC-32.
 */
const corpus = join(repository, 'test/fuzz/corpus');

describe.each(readdirSync(corpus) as TargetName[])('%s', (target) => {
  test.each(Object.entries(filesIn(join(corpus, target))))('%s', async (_, input) => {
    await TARGETS[target].run(input, seeded(crc32(input)));
  });
});
