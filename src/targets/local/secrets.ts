import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { mapBounded } from '../../core/bounded.js';
import { errnoOf } from '../../core/errors.js';
import type { ServicesPlan } from '../../plan/index.js';
import { type KeptVariable, keptVariables, type SecretFinding, variableOf } from '../checks/secrets.js';

/** A command whose first word is a name or a path, and no assignment or parenthesis: that word is looked for. */
const FIRST_WORD = /^\s*([\w./+@%:,-]+)(?=\s|$|[;|&<>])/;
const SHELLS_AT_ONCE = 8;

/** Variables whose values cannot be read on this machine. No file is read, and no command is run. */
export async function findSecretFaults(services: ServicesPlan): Promise<SecretFinding[]> {
  const findings = await mapBounded(keptVariables(services), SHELLS_AT_ONCE, findingOf);
  return findings.flatMap((each) => each ?? []);
}

async function findingOf(kept: KeptVariable): Promise<SecretFinding | undefined> {
  const { source } = kept;
  if (source.kind === 'file') {
    const fault = await faultOfFile(source.path);
    if (fault === undefined) return undefined;
    return {
      state: 'failed',
      found: `${variableOf(kept)} is in ${source.path}, and that ${fault}.`,
      remedy: 'Put the value there, or correct `file`.',
    };
  }
  if (source.kind !== 'command') return undefined;
  const [, word] = FIRST_WORD.exec(source.command) ?? [];
  if (word === undefined || (await isCommand(word, source.folder))) return undefined;
  return {
    state: 'failed',
    found: `${variableOf(kept)} comes from \`${source.command}\`, and ${word} is not on this machine.`,
    remedy: 'Install it, or correct `command`.',
  };
}

async function faultOfFile(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return 'is no file';
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'is not there' : `cannot be read (${errnoOf(error) ?? error})`;
  }
}

/** Whether the shell that would run it knows a word, as a program, a built-in or a keyword. cmd.exe cannot be asked. */
async function isCommand(word: string, folder: string): Promise<boolean> {
  if (process.platform === 'win32') return true;
  try {
    await promisify(execFile)('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', word], { cwd: folder });
    return true;
  } catch {
    return false;
  }
}
