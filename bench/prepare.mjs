// Phase 1 beside what a team would do today, whole job against whole job: `node bench/prepare.mjs [--row NAME] [--runs N]`.
// Prints Markdown: medians of paired runs (ours, peer, ours, peer, …), and what each asked of the slow file system.
// Needs the built command (`npm ci`), FUSE with gcc for the rows on latencyfs, and 6 GB in the temporary folder, where
// the inputs stay for the next time.
import { execFileSync } from 'node:child_process';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { rows } from './prepare/rows.mjs';
import { cleanUp } from './prepare/runs.mjs';

const { values } = parseArgs({
  options: { row: { type: 'string', multiple: true }, runs: { type: 'string', default: '3' } },
});
const chosen = rows.filter(({ name }) => values.row?.includes(name) ?? true);
const runs = Number(values.runs);
if (chosen.length === 0 || !(runs > 0)) {
  console.error(
    `usage: node bench/prepare.mjs [--row NAME]… [--runs N]\nrows: ${rows.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

console.log(`${machine()}\n\n${peers()}\n\nMedians of ${runs} paired runs.\n`);
console.log('| row | work | must | ours | other | ratio | of each pair | met | memory, ours | memory, other |');
console.log('| --- | --- | --- | --: | --: | --: | --- | --- | --: | --: |');
const operations = [];
let missed = false;
try {
  for (const row of chosen) {
    const pairs = [];
    for await (const pair of row.pairs(runs)) pairs.push(pair);
    missed = !report(row, pairs) || missed;
  }
} finally {
  await cleanUp();
}
if (operations.length > 0) {
  console.log('\n| row | who | operations on latencyfs, of the last run |\n| --- | --- | --- |');
  for (const line of operations) console.log(line);
}
process.exitCode = missed ? 1 : 0;

function report({ name, title, must, met }, pairs) {
  const ours = median(pairs.map((pair) => pair.ours.ms));
  const others = pairs.flatMap((pair) => pair.other ?? []);
  const ratios = pairs.flatMap((pair) => (pair.other ? [pair.other.ms / pair.ours.ms] : []));
  const measured = { ours, other: median(others.map(({ ms }) => ms)), ratio: median(ratios) };
  const isMet = met(measured);
  const cells = [
    name,
    title,
    must,
    seconds(ours),
    others.length > 0 ? seconds(measured.other) : '',
    ratios.length > 0 ? times(measured.ratio) : '',
    ratios.length > 0 ? ratios.map(times).join(', ') : pairs.map((pair) => seconds(pair.ours.ms)).join(', '),
    isMet ? 'yes' : '**no**',
    mebibytes(Math.max(...pairs.map((pair) => pair.ours.memory))),
    others.length > 0 ? mebibytes(Math.max(...others.map(({ memory }) => memory))) : '',
  ];
  console.log(`| ${cells.join(' | ')} |`);
  for (const who of ['ours', 'other']) {
    const counts = pairs.at(-1)[who]?.counts;
    if (counts) operations.push(`| ${name} | ${who} | ${shown(counts)} |`);
  }
  return isMet;
}

function shown(counts) {
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  const kinds = [...counts].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`);
  return `**${sum}**: ${kinds.join(', ')}`;
}

function machine() {
  return `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}.`;
}

function peers() {
  const versions = [
    'sha256sum --version',
    'tar --version',
    'unzip -v',
    'patch --version',
    'sed --version',
    'find --version',
  ];
  return `Peers: ${versions
    .map((line) =>
      execFileSync('sh', ['-c', line], { encoding: 'utf8' })
        .split('\n')[0]
        ?.replace(/ of .*/, ''),
    )
    .join('; ')}.`;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

function times(ratio) {
  return `${ratio.toFixed(2)}×`;
}

function mebibytes(bytes) {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
