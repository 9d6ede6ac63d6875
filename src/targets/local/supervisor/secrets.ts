import { exec } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { SecretSource } from '../../../plan/index.js';

const COMMAND_MS = 60_000;
const MAX_BYTES = 1024 * 1024;

/**
 * The values of variables that are kept elsewhere, read for the program that is about to start. They are given to it and to nobody
 * else: no file and no log of ours has them.
 * @throws Error that names the variable, where its value is kept and why it cannot be read
 */
export async function readSecrets(secrets: Readonly<Record<string, SecretSource>>): Promise<Record<string, string>> {
  const values = Object.entries(secrets).map(async ([variable, source]) => [
    variable,
    await readVariable(variable, source),
  ]);
  return Object.fromEntries(await Promise.all(values));
}

async function readVariable(variable: string, source: SecretSource): Promise<string> {
  const value = await read(source).catch((error) => {
    throw new Error(`its variable ${variable} cannot be read: ${why(source, error)}`);
  });
  if (value.includes('\0')) throw new Error(`its variable ${variable} holds a NUL, which no variable can`);
  // As the shell's $(…) takes it: editors and programs end a text with a line break.
  return value.replace(/(\r?\n)+$/, '');
}

async function read(source: SecretSource): Promise<string> {
  switch (source.kind) {
    case 'file':
      return readFile(source.path, 'utf8');
    case 'command':
      return (
        await promisify(exec)(source.command, {
          cwd: source.folder,
          timeout: COMMAND_MS,
          maxBuffer: MAX_BYTES,
          windowsHide: true,
        })
      ).stdout;
    default:
      throw new Error(`a ${source.kind} is for hosts on AWS`);
  }
}

/** What a command said last; never what it printed, which may be the value. */
function why(source: SecretSource, error: unknown): string {
  if (source.kind !== 'command') return error instanceof Error ? error.message : String(error);
  const { code, killed, stderr = '' } = error as { code?: number | string; killed?: boolean; stderr?: string };
  const ending = killed ? `did not end within ${COMMAND_MS / 1000} s` : `ended with exit status ${code}`;
  const said = stderr.trim().split('\n').at(-1);
  return `\`${source.command}\` ${ending}${said ? `: ${said}` : ''}`;
}
