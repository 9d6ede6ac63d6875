import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { build } from 'esbuild';
import { repository } from '../prestage.js';
import { counting } from './instrument.js';
import type { TargetName } from './targets.js';

export interface FuzzOptions {
  target: TargetName;
  seconds: number;
  /** The same gives the same inputs, as long as the program is the same. */
  seed: number;
}

export interface FuzzReport {
  runs: number;
  /** Inputs that reached something new. */
  reached: number;
  /** Blocks of the program that ran. */
  blocks: number;
}

/** An input that takes longer hangs, however slow the machine: most take milliseconds. */
const HANG_MS = 90_000;

/** Where inputs that failed are left, and inputs that reached something new with `PRESTAGE_FUZZ_FOUND`. */
const FAILED = join(repository, 'tmp/fuzz-failures');

/**
 * Fuzzes one target for a while, in a process of its own. @throws where an input crashed it, made it hang or was answered
 * wrongly, with the seed and the input, which is kept
 */
export async function fuzz({ target, seconds, seed }: FuzzOptions): Promise<FuzzReport> {
  // In memory where that is possible: most of the time goes into making and removing small files.
  const work = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'prestage-fuzz-'));
  const current = join(work, 'current');
  try {
    const child = await started(
      [target, String(seed), repository, current, foundFolder(target), corpusFolder(target)],
      work,
    );
    const { failure, report } = await watched(child, seconds * 1000);
    if (failure === undefined) return report;
    throw new Error(
      described({ target, seed, report, failure, input: existsSync(current) ? readFileSync(current) : undefined }),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Inputs that reached something once, and those that failed: each is a test of its own (corpus.test.ts). */
export function corpusFolder(target: string): string {
  const folder = join(repository, 'test/fuzz/corpus', target);
  return existsSync(folder) ? folder : '';
}

function foundFolder(target: string): string {
  const folder = process.env.PRESTAGE_FUZZ_FOUND;
  if (folder === undefined) return '';
  mkdirSync(join(folder, target), { recursive: true });
  return join(folder, target);
}

async function started(args: string[], work: string): Promise<ChildProcess> {
  // Below node_modules, so that it finds its dependencies, which are not part of what coverage counts.
  const folder = join(repository, 'node_modules/.cache/prestage-fuzz');
  const program = join(folder, `child-${process.pid}-${args[0]}.mjs`);
  await build({
    entryPoints: [join(repository, 'test/fuzz/child.ts')],
    outfile: program,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'error',
    plugins: [counting(/\/src\/(prepare|store)\/.*\.ts$/)],
    banner: { js: 'globalThis.blockCounts = new Uint32Array(16384);' },
  });
  const child = fork(program, args, {
    execArgv: ['--max-old-space-size=512'],
    env: { ...process.env, TMPDIR: work },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.once('exit', () => rmSync(program, { force: true }));
  return child;
}

/** Follows a child until its time is up, or it is clear that it failed. */
function watched(child: ChildProcess, durationMs: number): Promise<{ failure?: string; report: FuzzReport }> {
  let report: FuzzReport = { runs: 0, reached: 0, blocks: 0 };
  let done = false;
  let output = '';
  let isHanging = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-20_000);
    });
  }
  const hang = () => {
    isHanging = true;
    child.kill('SIGKILL');
  };
  let watchdog = setTimeout(hang, HANG_MS);
  child.on('message', (message: FuzzReport & { done?: true }) => {
    const { done: isLast, ...progress } = message;
    if (progress.runs > report.runs || isLast) {
      clearTimeout(watchdog);
      watchdog = setTimeout(hang, HANG_MS);
    }
    report = progress;
    done ||= isLast === true;
  });
  const timer = setTimeout(() => child.connected && child.send('end'), durationMs);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(watchdog);
      clearTimeout(timer);
      if (done && code === 0) resolve({ report });
      // A promise that nothing will ever keep lets the process end, with 13, before it said that it was done.
      else if (isHanging || code === 13)
        resolve({ failure: `It hangs (${isHanging ? `for ${HANG_MS} ms` : 'nothing goes on'}).`, report });
      else resolve({ failure: `It ended with ${signal ?? code}:\n${output}`, report });
    });
  });
}

function described(failed: {
  target: string;
  seed: number;
  report: FuzzReport;
  failure: string;
  input: Buffer | undefined;
}): string {
  const { target, seed, report, failure, input } = failed;
  if (input === undefined) return `${target}, seed ${seed}: ${failure}`;
  const file = join(FAILED, `${target}-${crc32(input).toString(16).padStart(8, '0')}`);
  mkdirSync(FAILED, { recursive: true });
  writeFileSync(file, input);
  return [
    `${target}, seed ${seed}, after ${report.runs} runs: ${failure}`,
    `The input of ${input.length} bytes is in ${file}; as a file in test/fuzz/corpus/${target}/ it is a test.`,
    ...(input.length <= 6000 ? [`In base64: ${input.toString('base64')}`] : []),
  ].join('\n');
}
