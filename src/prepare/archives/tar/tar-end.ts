import { archiveError } from '../archive-error.js';
import { type ByteSource, isZero } from '../byte-source.js';
import { parseTarHeader, TAR_BLOCK } from './tar-header.js';

/** POSIX has archives written by records of 20 blocks: the last is filled up behind the end mark. */
const RECORD_BYTES = 20 * TAR_BLOCK;

/**
 * Reads what follows the first block of the end mark: its second one, and zeros to the end. Within the record in which the
 * mark ends there may be anything but headers: older versions of Ant and Maven did not clear what an earlier record left.
 * @throws ARCHIVE_INVALID
 */
export async function checkEnd(source: ByteSource, archive: string): Promise<void> {
  const second = await source.take(TAR_BLOCK);
  if (isZero(second)) {
    const rest = await source.copy((RECORD_BYTES - (source.offset % RECORD_BYTES)) % RECORD_BYTES);
    const isPadding = isZero(rest) || (source.offset % RECORD_BYTES === 0 && !hasHeader(rest));
    if (isPadding && (await source.restIsZero())) return;
  }
  throw archiveError('ARCHIVE_INVALID', { archive }, 'there is more after its end mark', {
    reason: 'trailing-data',
    hint: 'Archives that were joined end to end read differently in different programs. Pack their files as one archive.',
  });
}

function hasHeader(blocks: Buffer): boolean {
  for (let at = 0; at < blocks.length; at += TAR_BLOCK) {
    const block = blocks.subarray(at, at + TAR_BLOCK);
    if (!isZero(block) && typeof parseTarHeader(block) !== 'string') return true;
  }
  return false;
}
