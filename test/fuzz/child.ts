import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { seeded } from '../random.js';
import { Coverage } from './coverage.js';
import { mutated, pick } from './mutate.js';
import { repaired, unwrapped } from './repair.js';
import { TARGETS, type TargetName } from './targets.js';

/**
 * Runs one target over and over, on changes of inputs that reached something new, until it is told to end. It tells its
 * parent what it reached; where it fails, hangs or dies, the input lies in `current`.
 *
 * Arguments: the target, a seed, the repository, a file for the current input, a folder for inputs that reached something.
 */
const MAX_CPU_MS = 10_000;
const MAX_MEMORY_BYTES = 1.5 * 1024 ** 3;

const [name = '', seedText = '', repository = '', current = '', found = '', kept = ''] = process.argv.slice(2);
const target = TARGETS[name as TargetName];
const random = seeded(Number(seedText));
const coverage = new Coverage();

/** Inputs by what they came from, so that every format gets its turn. */
const corpus = new Map<string, Buffer[]>();
let runs = 0;
let reached = 0;

async function run(input: Buffer): Promise<void> {
  writeFileSync(current, input);
  const cpuBefore = process.cpuUsage();
  await target.run(input, seeded(crc32(input)));
  const { user, system } = process.cpuUsage(cpuBefore);
  if ((user + system) / 1000 > MAX_CPU_MS) throw new Error(`took ${Math.round((user + system) / 1000)} ms of CPU time`);
  const memory = process.resourceUsage().maxRSS * 1024;
  if (memory > MAX_MEMORY_BYTES) throw new Error(`took ${Math.round(memory / 1024 ** 2)} MiB of memory`);
  runs += 1;
}

function next(group: string): Buffer {
  const inputs = corpus.get(group) ?? [];
  // Often one of the last: what was found lately leads on.
  const input = random() < 0.4 ? pick(random, inputs.slice(-8)) : pick(random, inputs);
  const other = pick(random, corpus.get(pick(random, [group, pick(random, [...corpus.keys()])])) ?? [input]);
  const layer = random() < 0.6 ? unwrapped(input) : undefined;
  if (layer === undefined) return maybeRepaired(mutated(input, other, target.dictionary, random));
  const inner = mutated(layer.inner, other, target.dictionary, random);
  return maybeRepaired(layer.wrap(maybeRepaired(inner)));
}

function maybeRepaired(input: Buffer): Buffer {
  return random() < 0.7 ? repaired(input) : input;
}

function keep(group: string, input: Buffer): void {
  const inputs = corpus.get(group) ?? [];
  inputs.push(input);
  corpus.set(group, inputs);
  reached += 1;
  if (found !== '') writeFileSync(`${found}/${group}-${crc32(input).toString(16).padStart(8, '0')}`, input);
}

for (const [group, input] of Object.entries(target.seeds(repository))) {
  await run(input);
  keep(group, input);
}
for (const file of kept === '' ? [] : readdirSync(kept)) {
  const input = readFileSync(`${kept}/${file}`);
  await run(input);
  const group = file.slice(0, file.lastIndexOf('-'));
  corpus.set(group, [...(corpus.get(group) ?? []), input]);
}
coverage.isNew();
reached = 0;

const groups = [...corpus.keys()];
let ended = false;
process.on('message', () => {
  ended = true;
});
process.on('disconnect', () => process.exit());
let reportedAt = 0;
while (!ended) {
  const group = pick(random, groups);
  const input = next(group);
  await run(input);
  if (coverage.isNew()) keep(group, input);
  if (Date.now() - reportedAt < 500) continue;
  reportedAt = Date.now();
  process.send?.({ runs, reached, blocks: coverage.blocks });
  await new Promise((resolve) => setImmediate(resolve));
}
process.send?.({ runs, reached, blocks: coverage.blocks, done: true });
process.disconnect();
