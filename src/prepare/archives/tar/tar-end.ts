import { archiveError } from '../archive-error.js';
import { type ByteSource, isZero } from '../byte-source.js';
import type { Unpacker } from '../unpacker.js';
import { parseTarHeader, TAR_BLOCK } from './tar-header.js';

/** POSIX has archives written by records of 20 blocks: the last is filled up behind the end mark. */
const RECORD_BYTES = 20 * TAR_BLOCK;

/**
 * Reads what follows the first block of the end mark: its second one, and zeros to the end. Within the record in which the
 * mark ends there may be anything but headers: older versions of Ant and Maven did not clear what an earlier record left.
 * @returns the first header of another archive that was joined to this one, where that is accepted
 * @throws ARCHIVE_INVALID
 */
export async function passEnd(source: ByteSource, unpacker: Unpacker): Promise<Buffer | undefined> {
  const { archive } = unpacker;
  const markEnd = source.offset + TAR_BLOCK;
  const recordEnd = Math.ceil(markEnd / RECORD_BYTES) * RECORD_BYTES;
  let hasStaleBytes = false;
  for (;;) {
    const { offset } = source;
    const block = await source.take(TAR_BLOCK);
    const isInRecord = offset >= markEnd && offset < recordEnd;
    const refusal = () =>
      archiveError('ARCHIVE_INVALID', { archive, offset }, 'there is more after its end mark', {
        reason: 'trailing-data',
        hint: 'Archives that were joined end to end read differently in different programs. Pack their files as one archive.',
      });
    if (block.length === 0) {
      // What fills a record up fills all of it.
      if (hasStaleBytes && isInRecord) unpacker.goesOn(false, offset, refusal);
      return undefined;
    }
    if (isZero(block)) continue;
    const isHeader = block.length === TAR_BLOCK && typeof parseTarHeader(block) !== 'string';
    hasStaleBytes ||= !isHeader && isInRecord;
    if (!isHeader && isInRecord) continue;
    return unpacker.goesOn(isHeader, offset, refusal) ? Buffer.from(block) : undefined;
  }
}
