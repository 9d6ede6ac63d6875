import type { PrestageError } from '../../../core/errors.js';

/**
 * Asked when something follows the end of a compressed stream. Where it returns, that is passed over.
 * @param offset of the compressed bytes
 * @throws the refusal, if that may not be
 */
export type OnTrailingData = (offset: number, refusal: () => PrestageError) => void;

export const refuseTrailingData: OnTrailingData = (_, refusal) => {
  throw refusal();
};
