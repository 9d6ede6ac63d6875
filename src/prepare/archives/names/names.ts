import type { NameEncoding } from '../../../plan/index.js';
import type { ArchivePlace } from '../archive-error.js';
import { nameText } from './name-text.js';
import { unknownEncoding } from './unknown-encoding.js';

/** Names as an archive's bytes have them, in the encoding that was said to be theirs, or in UTF-8. */
export class Names {
  constructor(readonly encoding: NameEncoding | undefined) {}

  /** @param what what it is, with its article: `a name` @throws ARCHIVE_UNSUPPORTED where it is not in that encoding */
  text(bytes: Buffer, place: ArchivePlace, what = 'a name'): string {
    const text = nameText(bytes, this.encoding ?? 'utf-8');
    if (text === undefined) throw unknownEncoding(place, what, [bytes], this.encoding);
    return text;
  }
}
