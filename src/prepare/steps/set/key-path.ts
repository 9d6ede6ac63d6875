import { problem, type SourceText } from './source-text.js';

/** One step down: a member's name or an item's number. What was quoted is one name, dots and all. */
export interface Part {
  name: string;
  isQuoted: boolean;
}

/**
 * `servers.0."host.name"` as its parts; a part in double quotes is a JSON string.
 * @throws STEP_INVALID
 */
export function parseKey(source: SourceText, key: string): Part[] {
  const parts: Part[] = [];
  const pattern = /(?:("(?:[^"\\]|\\.)*")|([^."]+))(\.|$)/sy;
  let isComplete = false;
  while (!isComplete) {
    const match = pattern.exec(key);
    const name = match?.[1] === undefined ? match?.[2] : unquoted(match[1]);
    if (!match || name === undefined) throw malformed(source, key);
    parts.push({ name, isQuoted: match[1] !== undefined });
    isComplete = match[3] === '';
  }
  return parts;
}

/** A part as it is written in a key. */
export function writtenPart(name: string): string {
  return name === '' || /[."]/.test(name) ? JSON.stringify(name) : name;
}

function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

function malformed(source: SourceText, key: string) {
  return problem(source, undefined, `${JSON.stringify(key)} is not a key`, {
    hint: 'Write names with dots between them; a name that has dots itself in double quotes: `"a.b".c`.',
    key,
    expected: 'names with dots between them',
    found: key,
  });
}
