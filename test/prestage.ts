import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DeployResult, PlanResult, SerializedError, StatusResult, TimedEvent } from '../src/index.js';

export const repository = fileURLToPath(new URL('..', import.meta.url));
export const command = fileURLToPath(new URL('../dist/cli.cjs', import.meta.url));

/** What a run of the built command left: its exit status and output, and with `--json` its events and result. */
export interface Run {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  events: TimedEvent[];
  result: Result;
}

/** The last line of `--json`. Its members are those of the command that ran, so a test asserts the ones it expects. */
export type Result = { ok: boolean; command: string; error: SerializedError } & DeployResult &
  PlanResult &
  StatusResult & {
    checked: number;
    differences: { package: string; path: string; kind: string }[];
    repaired: string[];
  };

export interface RunOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Answers on standard input. */
  input?: string;
}

/** Starts the built command, as a user would; `line` is split at spaces. */
export function start(line: string, { cwd, env }: RunOptions): ChildProcess {
  return spawn(process.execPath, [command, ...line.split(' ').filter(Boolean)], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs the built command to its end: `await prestage('deploy --json', {cwd})`. */
export async function prestage(line: string, options: RunOptions): Promise<Run> {
  return finished(start(line, options), options.input);
}

export async function finished(child: ChildProcess, input = ''): Promise<Run> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin?.on('error', () => {}); // it may end before it reads
  child.stdin?.end(input);
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return understood({ status, signal, stdout, stderr });
}

/** A run by what it left. */
export function understood({
  status,
  signal,
  stdout,
  stderr,
}: Pick<Run, 'status' | 'signal' | 'stdout' | 'stderr'>): Run {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const parsed = lines.map((line) => JSON.parse(line) as { type: string });
  return {
    status,
    signal,
    stdout,
    stderr,
    events: parsed.filter((line) => line.type !== 'result') as TimedEvent[],
    result: parsed.findLast((line) => line.type === 'result') as unknown as Result,
  };
}
