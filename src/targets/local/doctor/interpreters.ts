import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { errnoOf } from '../../../core/errors.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { failed, ok, type Verdict } from '../../checks/finding.js';
import { interpreterOf } from '../supervisor/script.js';

/** Whether what the scripts of services are written for is on this machine: `sh`, `node`, `pwsh`. */
export function checkInterpreters(
  services: ServicesPlan,
  configFolder: string,
  path = process.env.PATH ?? '',
): Verdict {
  const scripts = [...new Set(services.services.flatMap(({ boot, run }) => [boot ?? [], run ?? []].flat()))];
  const unread = new Map<string, string>();
  const users = new Map<string, string[]>();
  for (const script of scripts) {
    const text = textOf(join(configFolder, script));
    if ('fault' in text) {
      unread.set(script, text.fault);
      continue;
    }
    const interpreter = programOf(text.text);
    if (interpreter !== undefined) users.set(interpreter, [...(users.get(interpreter) ?? []), script]);
  }
  const missing = [...users].filter(([name]) => !isHere(name, path));
  const faults = [
    ...[...unread].map(([script, fault]) => `${script} cannot be read (${fault})`),
    ...missing.map(([name, of]) => `${name}, which ${of.join(', ')} is written for, is not on this machine`),
  ];
  if (faults.length > 0) return failed(`${faults.join('; ')}.`, remedyFor(missing.map(([name]) => name)));
  const names = [...users.keys()].sort();
  return ok(names.length === 0 ? 'No service has a script.' : `Scripts find ${names.join(', ')}.`);
}

function remedyFor(missing: readonly string[]): string {
  const remedy = 'Install it, or correct the first line of the script.';
  const isShell = missing.some((name) => name === 'sh' || name === 'bash');
  return process.platform === 'win32' && isShell
    ? `${remedy} Git for Windows has sh and bash: put its folder \`bin\` into PATH.`
    : remedy;
}

function textOf(file: string): { text: string } | { fault: string } {
  try {
    return { text: readFileSync(file, 'utf8') };
  } catch (error) {
    return { fault: errnoOf(error) ?? String(error) };
  }
}

/** A path, where the first line has one that the kernel takes; a name, where it is looked for in PATH. */
function programOf(script: string): string | undefined {
  const path = /^#![ \t]*(\/\S+)/.exec(script)?.[1];
  const [name] = interpreterOf(script);
  return process.platform !== 'win32' && path !== undefined && !path.endsWith('/env') ? path : name;
}

function isHere(program: string, path: string): boolean {
  if (isAbsolute(program)) return isExecutable(program);
  const endings = process.platform === 'win32' ? (process.env.PATHEXT ?? '.EXE').split(';') : [''];
  return path.split(delimiter).some((folder) => endings.some((ending) => isExecutable(join(folder, program + ending))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
