import { createInterface } from 'node:readline/promises';
import { PrestageError } from '../core/errors.js';
import type { Surroundings } from './output/streams.js';
import { shown } from './output/text/shown.js';

export interface Question {
  /** What is about to happen, as a sentence. */
  action: string;
  /** What it is about, a line each. */
  details?: readonly string[];
  /** What must be typed to go on; default `y`. */
  expected?: string;
}

/**
 * Asks on the terminal.
 * @throws CONFIRMATION_REQUIRED where there is no terminal, and where the answer is another one
 */
export async function confirm(
  { action, details = [], expected = 'y' }: Question,
  { stdin, stderr }: Pick<Surroundings, 'stdin' | 'stderr'>,
  options: { mayAsk: boolean; signal: AbortSignal },
): Promise<void> {
  if (!options.mayAsk || !stdin.isTTY || !stderr.isTTY) {
    throw new PrestageError('CONFIRMATION_REQUIRED', `${action} There is no terminal to ask on.`, {
      hint: 'Add --yes to say that it is meant.',
    });
  }
  const prompt = expected === 'y' ? 'Go on? [y/N] ' : `Type ${expected} to go on: `;
  stderr.write(`${[...details, action, prompt].join('\n')}`);
  const answer = await readLine(stdin, options.signal);
  if (answer.trim() === expected || (expected === 'y' && /^y(es)?$/i.test(answer.trim()))) return;
  throw new PrestageError('CONFIRMATION_REQUIRED', 'Not confirmed; nothing was changed.');
}

/** Asks on the terminal, where yes is the usual answer; yes where there is none. */
export async function choose(
  question: string,
  { stdin, stderr }: Pick<Surroundings, 'stdin' | 'stderr'>,
  options: { signal: AbortSignal },
): Promise<boolean> {
  if (!stdin.isTTY || !stderr.isTTY) return true;
  stderr.write(`${shown(question)} [Y/n] `);
  return !/^n(o)?$/i.test((await readLine(stdin, options.signal)).trim());
}

/** Without readline's own terminal handling, so that Ctrl-C stays a signal; '' where the input ends. */
async function readLine(stdin: Surroundings['stdin'], signal: AbortSignal): Promise<string> {
  const reader = createInterface({ input: stdin, terminal: false });
  try {
    return await Promise.race([
      reader.question('', { signal }),
      new Promise<string>((resolve) => reader.once('close', () => resolve(''))),
    ]);
  } finally {
    reader.close();
  }
}
