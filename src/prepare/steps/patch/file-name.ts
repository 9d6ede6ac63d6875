import { bytesOf } from '../bytes.js';

export interface NamedFile {
  name: string | undefined;
  /** Where a name alone says it (`/dev/null`) or a time does (the epoch): there is no such file. Undefined: nothing says. */
  isMissing: boolean | undefined;
}

/** The name, and what the time says, of a `---`, `+++` or (without times) `Index:` line's rest. */
export function parseHeaderName(text: string, hasTime: boolean): NamedFile {
  const line = text.replace(/[\r\n]+$/, '').trimStart();
  const { name, rest } = line.startsWith('"') ? quotedName(line) : plainName(line, hasTime);
  if (name === '/dev/null') return { name: undefined, isMissing: true };
  return { name: name || undefined, isMissing: hasTime && rest !== '' ? isEpoch(rest.trim()) : undefined };
}

/** The two names of `diff --git`, or undefined where they have spaces and so cannot be told apart. */
export function parseGitNames(text: string): { old: string; new: string } | undefined {
  const first = nextWord(text);
  const second = first && nextWord(first.rest);
  if (!first?.name || !second?.name || second.rest.trim() !== '') return undefined;
  return { old: first.name, new: second.name };
}

/** Drops the shortest prefix with `strip` slashes; adjacent slashes count as one. Undefined: there are not that many. */
export function stripName(name: string, strip: number): string | undefined {
  let rest = name;
  for (let left = strip; left > 0; left -= 1) {
    const slashes = /\/+/.exec(rest);
    if (!slashes) return undefined;
    rest = rest.slice(slashes.index + slashes[0].length);
  }
  return rest === '' ? undefined : rest;
}

/** The tree's path for a name in a patch, or undefined for one that no tree may hold. */
export function treePath(name: string): string | undefined {
  if (name.startsWith('/')) return undefined;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) return undefined;
  return bytesOf(parts.join('/')).toString('utf8');
}

function nextWord(text: string): { name: string | undefined; rest: string } {
  const at = text.trimStart();
  if (at.startsWith('"')) return quotedName(at);
  const end = at.search(/\s/);
  return end === -1 ? { name: at, rest: '' } : { name: at.slice(0, end), rest: at.slice(end) };
}

/** A name with spaces is taken whole only where a tab ends it, as diff and git write it. */
function plainName(line: string, hasTime: boolean): { name: string; rest: string } {
  const tab = hasTime ? line.indexOf('\t') : -1;
  const end = tab !== -1 ? tab : hasTime ? line.search(/\s/) : line.trimEnd().length;
  return end === -1 ? { name: line, rest: '' } : { name: line.slice(0, end).trimEnd(), rest: line.slice(end) };
}

const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** A C string as git quotes names: `"caf\303\251"`. */
function quotedName(line: string): { name: string | undefined; rest: string } {
  const match = /^"((?:[^"\\]|\\(?:[abfnrtv\\"]|[0-3][0-7]{2}))*)"/.exec(line);
  if (!match) return { name: undefined, rest: '' };
  const name = (match[1] ?? '').replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  );
  return { name, rest: line.slice(match[0].length) };
}

const HOUR_MS = 3_600_000;

/**
 * diff gives a file that does not exist the time 0, in a local time whose zone may not be written: any time that is the
 * epoch somewhere on Earth counts (POSIX allows zones from -25 to +26 hours).
 */
function isEpoch(time: string): boolean {
  if (!time) return false;
  const iso = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?$/.exec(time);
  const ms = iso
    ? Date.parse(`${iso[1]}T${iso[2]}${zone(iso[3])}`)
    : Date.parse(/(?:[+-]\d{4}|GMT|UTC|Z)/.test(time) ? time : `${time} UTC`);
  if (Number.isNaN(ms)) return false;
  return ms > -25 * HOUR_MS && ms < 26 * HOUR_MS;
}

function zone(written: string | undefined): string {
  if (written === undefined || written === 'Z') return 'Z';
  return written.includes(':') ? written : `${written.slice(0, 3)}:${written.slice(3)}`;
}
