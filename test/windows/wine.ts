import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, type Run, understood } from '../prestage.js';
import { lacks, WINDOWS_NODES, windowsTool } from '../requirements.js';

/**
 * Programs of Windows under Wine. What Wine 8 cannot do, tests name where they meet it: it says that it made a symbolic
 * link and makes none, and junctions are not supported; so releases have no links to their trees, and there is no `current`.
 */

/** Whether tests with programs of Windows cannot run here. */
export const withoutWine = lacks('wine');
export const nodes = WINDOWS_NODES;
export type WindowsNode = (typeof nodes)[number];

export interface WindowsOptions {
  cwd: string;
  env?: Record<string, string>;
}

/** A program that was started; it writes into files, as Node under Wine takes no pipe for its output. */
export interface Started {
  child: ChildProcess;
  ended: Promise<Run>;
}

/** `/tmp/x` as Windows' programs see it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`;
}

/** Runs Windows' Node with these arguments. */
export function startNode(node: WindowsNode, args: readonly string[], { cwd, env }: WindowsOptions): Started {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-output-'));
  const [out, error] = [join(folder, 'stdout'), join(folder, 'stderr')];
  const descriptors = [openSync(out, 'w'), openSync(error, 'w')] as const;
  const child = spawn('wine', [join(windowsTool(node), 'node.exe'), ...args], {
    cwd,
    env: {
      ...process.env,
      NO_COLOR: '1',
      DISPLAY: '',
      WINEDEBUG: '-all',
      NODE_SKIP_PLATFORM_CHECK: '1', // Wine says that it is an older Windows 10
      WINEPATH: windowsPath(windowsTool(node)), // scripts find `node`
      ...env,
    },
    stdio: ['ignore', ...descriptors],
  });
  for (const descriptor of descriptors) closeSync(descriptor);
  const ended = once(child, 'exit').then(([status, signal]) => {
    const [stdout = '', stderr = ''] = [out, error].map((path) => readFileSync(path, 'utf8'));
    rmSync(folder, { recursive: true });
    return understood({ status, signal, stdout, stderr });
  });
  return { child, ended };
}

/** Starts the built command; `line` is split at spaces, a list is taken as it is. */
export function startPrestage(node: WindowsNode, line: string | readonly string[], options: WindowsOptions): Started {
  const args = typeof line === 'string' ? line.split(' ') : line;
  return startNode(node, [windowsPath(command), ...args], options);
}

export function prestageOn(node: WindowsNode, line: string | readonly string[], options: WindowsOptions): Promise<Run> {
  return startPrestage(node, line, options).ended;
}
