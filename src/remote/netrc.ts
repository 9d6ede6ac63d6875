import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, PrestageError } from '../core/errors.js';
import { shownPath } from '../core/shown-path.js';

export interface NetrcLogin {
  user: string;
  password: string;
  /** The file that says so. */
  file: string;
}

/**
 * What `.netrc` says of a host: the first `machine` of that name, as curl takes it. `default` is not used: it would send a
 * password to every server that a source is on.
 * @throws LOGIN_SETTINGS where the file that NETRC names cannot be read, or others can read the one in the home folder
 */
export async function netrcLogin(host: string, env = process.env): Promise<NetrcLogin | undefined> {
  for (const file of netrcFiles(env)) {
    const text = await readNetrc(file, env);
    if (text === undefined) continue;
    const login = parseNetrc(text).get(host.toLowerCase());
    if (login === undefined) return undefined;
    if (env.NETRC === undefined) await demandPrivate(file);
    return { ...login, file };
  }
  return undefined;
}

/** Those that may be there, the first first. */
export function netrcFiles({ NETRC: named }: NodeJS.ProcessEnv): string[] {
  if (named) return [named];
  return (process.platform === 'win32' ? ['_netrc', '.netrc'] : ['.netrc']).map((name) => join(homedir(), name));
}

/** Whether others than its owner can read a file; on Windows its mode says nothing of that. */
export async function isReadByOthers(file: string): Promise<boolean> {
  return process.platform !== 'win32' && ((await stat(file)).mode & 0o077) !== 0;
}

async function readNetrc(file: string, { NETRC: named }: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (!named) return undefined;
    throw new PrestageError('LOGIN_SETTINGS', `${shownPath(file)} (NETRC) cannot be read (${errnoOf(cause)}).`, {
      hint: 'Correct the variable NETRC, or unset it: then ~/.netrc is read.',
      context: { path: file },
      cause,
    });
  }
}

/** As ssh and ftp do of the file in the home folder. Who names one by NETRC (a mounted secret) said where it is on purpose. */
async function demandPrivate(file: string): Promise<void> {
  if (!(await isReadByOthers(file))) return;
  throw new PrestageError('LOGIN_SETTINGS', `Others can read ${shownPath(file)}, so it is not used.`, {
    hint: `Run: chmod 600 ${shownPath(file)}`,
    context: { path: file, expected: 'mode 600' },
  });
}

/** A word, or one in quotes, in which a backslash takes the next character as it is. */
const TOKEN = /"((?:[^"\\]|\\.)*)"|(\S+)/gs;

/** By host, in lower case. Words that mean nothing are skipped, as curl does: most of the file is about other hosts. */
export function parseNetrc(text: string): Map<string, { user: string; password: string }> {
  const logins = new Map<string, { user: string; password: string }>();
  // A macro ends at an empty line.
  const plain = text.replaceAll('\r\n', '\n').replace(/^[ \t]*macdef\b.*\n(?:.+\n)*/gm, '');
  const words = plain.split('\n').flatMap((line) => [...wordsOf(line), '\n']);
  let current: { user: string; password: string } | undefined;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    // A comment begins where a word could, so that a password may begin with # as well.
    if (word.startsWith('#')) i = words.indexOf('\n', i);
    if (word === 'default') current = undefined;
    if (!['machine', 'login', 'password', 'account'].includes(word)) continue;
    do i += 1;
    while (words[i] === '\n');
    const value = words[i] ?? '';
    if (word === 'machine') {
      current = { user: '', password: '' };
      // The first one of a name counts; another one is read, and kept by nobody.
      if (!logins.has(value.toLowerCase())) logins.set(value.toLowerCase(), current);
    } else if (current !== undefined && word === 'login') current.user = value;
    else if (current !== undefined && word === 'password') current.password = value;
  }
  return logins;
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(TOKEN)].map(([, quoted, plain = '']) => quoted?.replace(/\\(.)/g, unescaped) ?? plain);
}

function unescaped(_: string, character: string): string {
  return { n: '\n', r: '\r', t: '\t' }[character] ?? character;
}
