// How long a user waits for the command line itself: `node bench/command-line.mjs`. Prints a Markdown table of medians.
// Needs the built command (`npm ci`) and, for the second row, the quickstart deployed (`npm start`).
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const runs = 15;
const rows = [
  ['prestage --version', ['--version'], 150],
  [
    'prestage deploy, nothing changed (quickstart)',
    ['deploy', '--config', 'examples/quickstart', '--env', 'dev', '--json'],
    1000,
  ],
];

console.log(
  `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}, median of ${runs} runs after one\n`,
);
console.log('| command | must be under | median | fastest | slowest |\n| --- | --- | --- | --- | --- |');
let slow = false;
for (const [name, args, limitMs] of rows) {
  const times = [];
  for (let run = 0; run <= runs; run++) {
    const started = performance.now();
    const { status, stdout } = spawnSync(process.execPath, ['dist/cli.cjs', ...args], {
      cwd: repository,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${name} exited ${status}: ${stdout}`);
    if (run > 0) times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(runs / 2)];
  slow ||= median > limitMs;
  console.log(
    `| ${name} | ${limitMs} ms | ${[median, times[0], times.at(-1)].map((ms) => `${ms.toFixed(0)} ms`).join(' | ')} |`,
  );
}
process.exitCode = slow ? 1 : 0;
