import { PrestageError } from '../../src/core/errors.js';
import type { Random } from './mutate.js';

/** Something that takes bytes which anybody may have written. */
export interface Target {
  /** Right inputs, by a name of what they are. */
  seeds(repository: string): Record<string, Buffer>;
  /** Pieces that mean something to it, in Latin-1. */
  dictionary: readonly string[];
  /** Fails where the answer is wrong; `random` is the same for the same input. */
  run(input: Buffer, random: Random): Promise<void>;
}

/** The result, or undefined where it is refused by one of these codes. Any other error is one of ours. */
export async function refused<T>(
  codes: RegExp,
  work: () => T | Promise<T>,
  onRefusal: (code: string) => void = () => {},
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PrestageError) || !codes.test(error.code)) throw error;
    if (!/\S/.test(error.message)) throw new Error(`a refusal without words: ${error.code}`);
    onRefusal(error.code);
    return undefined;
  }
}
