import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';
import { endGroup } from '../processes/group.js';

/** How a group is ended where nothing else is said. */
export const USUAL_STOP = { signal: 'SIGTERM', timeoutMs: 10_000 } as const;

/** The signal by which a group is ended, and how long it has then. */
export interface Stop {
  signal: NodeJS.Signals;
  timeoutMs: number;
}

export interface Program {
  command: string;
  arguments: string[];
  folder: string;
  environment: Record<string, string>;
  /** For stdout and stderr. */
  output: number;
  /** Absent: who runs this. */
  user?: { uid: number; gid: number } | undefined;
}

/** How a process ended, in words: `exit status 3`, `SIGKILL`; or why it could not be started. */
export type Ending = { started: true; ok: boolean; words: string } | { started: false; ok: false; words: string };

/**
 * Runs a program as the leader of its own process group until it ends. When `signal` aborts, the whole group is ended.
 * What a failed program leaves of its group is ended too, and with `alone` what a successful one leaves: the next start
 * must find its port free.
 */
export async function runProgram(
  program: Program,
  options: { signal: AbortSignal; alone: boolean; stop?: Stop | undefined; onStart: (pid: number) => void },
): Promise<Ending> {
  const { signal, alone, stop = USUAL_STOP, onStart } = options;
  const child = start(program);
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
    return { started: false, ok: false, words: cannotStart(program, error) };
  }
  onStart(pid);
  const end = () => endGroup(pid, stop.timeoutMs, stop.signal);
  const onAbort = () => void end();
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  signal.removeEventListener('abort', onAbort);
  if (alone || code !== 0 || signal.aborted) await end();
  return { started: true, ok: code === 0, words: killedBy ?? `exit status ${code}` };
}

function start({ command, arguments: args, folder, environment, output, user }: Program): ChildProcess {
  return spawn(command, args, {
    cwd: folder,
    env: environment,
    detached: process.platform !== 'win32',
    stdio: ['ignore', output, output],
    windowsHide: true,
    ...(user && { uid: user.uid, gid: user.gid }),
  });
}

function cannotStart({ command, folder, arguments: given }: Program, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      // spawn(2) does not tell the one from the other.
      if (!existsSync(folder)) return `its working folder ${resolve(folder)} is not there`;
      if (!isAbsolute(command))
        return `${command}, which the first line of ${basename(given.at(-1) ?? '')} names, is not in PATH`;
      return `${command}, or the interpreter that its first line names, is not on this machine`;
    case 'EACCES':
      return `${command} may not be executed (its mode, or a file system mounted noexec)`;
    default:
      return error.message;
  }
}

/** A script by its `#!` line; Windows does not know those, so there the line is read and the interpreter sought in PATH. */
export function scriptCommand(path: string, platform = process.platform): Pick<Program, 'command' | 'arguments'> {
  if (platform !== 'win32') return { command: path, arguments: [] };
  const [interpreter, ...options] = interpreterOf(readFileSync(path, 'utf8'));
  return interpreter === undefined
    ? { command: path, arguments: [] }
    : { command: interpreter, arguments: [...options, path] };
}

/** `#!/usr/bin/env -S node --enable-source-maps` as `['node', '--enable-source-maps']`, `#!/bin/sh -e` as `['sh', '-e']`. */
export function interpreterOf(script: string): string[] {
  const line = /^#![ \t]*(.*)/.exec(script)?.[1]?.trim();
  if (!line) return [];
  const [first = '', ...rest] = line.split(/[ \t]+/);
  return basename(first) === 'env' ? rest.filter((word, i) => !(i === 0 && word === '-S')) : [basename(first), ...rest];
}
