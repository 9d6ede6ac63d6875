import { withoutCredentials } from './redaction.js';

/** Names whose values nobody else is to read: of settings, variables, keys in files. */
const NAME = /pass(word|wd|phrase)?|secret|token|credential|private|api.?key|authorization|cookie/i;
const HIDDEN = '***';

/** A configuration should hold no secret; where it does, a plan that is printed in a CI's log must not. */
export function isSecretName(name: string): boolean {
  return NAME.test(name);
}

/** `db.password = x`, `"password": "x"`, `<password>x</password>`, `<property name="password" value="x"/>`. */
const VALUE = new RegExp(`([\\w.-]*(?:${NAME.source})[\\w.-]*["']?(?:\\s*[=:>]|\\s+value\\s*=)\\s*)\\S.*`, 'i');
const KEY_BEGIN = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;
const KEY_END = /-----END [A-Z0-9 ]*PRIVATE KEY-----/;
/** A key as a string of JSON has it: all of it in one line, or what was not cut off of it. */
const KEY_IN_LINE = /(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)(?!\s*$).*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
/** A line of a key, or of something else that nobody reads. */
const KEY_LINE = /^.?\s*(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9+/]{60,}={0,2}\s*$/;

/**
 * Lines of a diff, without what must not be read by others: what follows a name that says so, lines of private keys, and the
 * `values` that are known to be secret. A value that takes the place of another hides that as well.
 */
export function withoutSecrets(lines: readonly string[], values: readonly string[] = []): string[] {
  // A shorter one is in too many lines that are none of it.
  const secrets = values.filter((value) => value.length > 3);
  const holds = (i: number) => secrets.some((value) => (lines[i] ?? '').includes(value));
  const replaced = new Set(
    secrets.length === 0
      ? []
      : blocksOf(lines)
          .filter((block) => block.some(holds))
          .flat(),
  );
  return withoutKeys(
    lines.map((line, i) => {
      const cleaned = withoutSecret(secrets.reduce((text, value) => text.replaceAll(value, HIDDEN), line));
      return replaced.has(i) && line.startsWith('-') && cleaned === line ? `-${HIDDEN}` : cleaned;
    }),
  );
}

function withoutSecret(line: string): string {
  return withoutCredentials(line.replace(KEY_IN_LINE, `$1${HIDDEN}$2`).replace(VALUE, `$1${HIDDEN}`));
}

/** What stands in data under names that say that nobody else is to read it, however deep. */
export function secretValues(data: unknown, isSecret = false): string[] {
  if (typeof data === 'string' || typeof data === 'number') return isSecret ? String(data).split('\n') : [];
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([name, value]) => secretValues(value, isSecret || isSecretName(name)));
}

/** Lines that stand together and are removed or added, by their numbers. */
function blocksOf(lines: readonly string[]): number[][] {
  const blocks: number[][] = [];
  for (const [i, line] of lines.entries()) {
    if (!/^[-+]/.test(line)) continue;
    const last = blocks.at(-1);
    if (last?.at(-1) === i - 1) last.push(i);
    else blocks.push([i]);
  }
  return blocks;
}

function withoutKeys(lines: readonly string[]): string[] {
  let within = false;
  return lines.map((line) => {
    if (line.startsWith('@@')) within = false;
    if (KEY_BEGIN.test(line)) within = !KEY_END.test(line);
    else if (KEY_END.test(line)) within = false;
    else if (within || KEY_LINE.test(line)) return line.charAt(0) + HIDDEN;
    return line;
  });
}
