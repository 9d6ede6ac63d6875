import { inspect } from 'node:util';
import { withoutCredentials } from './redaction.js';

/** Chains that go on for ever are nobody's help. */
const MAX_CAUSES = 8;

/** Where in the code an error came from: the frames of its stack, and its causes with theirs. Without secrets. */
export function originOf(error: Error): string[] {
  const causes = causesOf(error).slice(0, MAX_CAUSES);
  const lines = [...framesOf(error), ...causes.flatMap((cause) => ['caused by', ...described(cause).split('\n')])];
  return lines.map((line) => withoutCredentials(line.trim()));
}

/** The lines of a stack without its head, which is the message and may have lines of its own. */
export function framesOf({ stack = '' }: Error): string[] {
  const first = stack.search(/^[ \t]+at /m);
  return first === -1 ? [] : stack.slice(first).split('\n');
}

/** The causes of an error, and theirs, nearest first; one that leads back to an error that was named is left out. */
function causesOf(error: Error, named: Set<unknown> = new Set([error])): unknown[] {
  const parts: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error.cause, ...parts].flatMap((cause) => {
    if (cause === undefined || named.has(cause)) return [];
    named.add(cause);
    return [cause, ...(cause instanceof Error ? causesOf(cause, named) : [])];
  });
}

function described(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? String(cause)) : inspect(cause);
}
