import type { ByteSource } from '../byte-source.js';
import type { Member } from '../member-content.js';
import { SMALL_ENTRY_BYTES, type Unpacker } from '../unpacker.js';
import type { PaxSparse } from './pax.js';
import { checkMap, readPaxMap, type SparseMap } from './tar-sparse.js';

const ZEROS = Buffer.alloc(256 * 1024);

interface SparseMember extends Member {
  /** Where its header is. */
  offset: number;
  sparse: PaxSparse | undefined;
  map?: SparseMap;
}

/**
 * Unpacks a file whose holes are not in the archive: they become zeros.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_LIMIT, and what `cutOff` makes, where the archive ends before
 */
export async function unpackSparse(
  source: ByteSource,
  unpacker: Unpacker,
  { name, path, mode, size, padding, ...member }: SparseMember,
  cutOff: () => Error,
): Promise<void> {
  const place = { archive: unpacker.archive, entry: name, offset: member.offset };
  const { map, mapBytes } = member.sparse
    ? await readPaxMap(source, member.sparse, size, place)
    : { map: member.map ?? { size, segments: [] }, mapBytes: 0 };
  checkMap(map, size - mapBytes, place);
  const before = unpacker.bytes;
  // A hole costs nothing in the archive, so it is held against the limit before its zeros are made.
  const beforeHole = (end: number) => unpacker.budget.ratio(place, before + end);
  const content = withHoles(map, source, unpacker, beforeHole, cutOff);
  if (map.size <= SMALL_ENTRY_BYTES) {
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    await unpacker.file(name, path, mode, Buffer.concat(pieces));
  } else {
    await unpacker.stream(name, path, mode, map.size, content);
  }
  if ((await source.skip(padding)) < padding) throw cutOff();
}

async function* withHoles(
  { size, segments }: SparseMap,
  source: ByteSource,
  unpacker: Unpacker,
  beforeHole: (end: number) => void,
  cutOff: () => Error,
): AsyncGenerator<Buffer> {
  let at = 0;
  for (const segment of [...segments, { offset: size, bytes: 0 }]) {
    if (segment.offset > at) beforeHole(segment.offset);
    while (at < segment.offset) {
      unpacker.consumed(unpacker.budget.consumed); // asks whether to go on, which nothing that is read does meanwhile
      const zeros = ZEROS.subarray(0, segment.offset - at);
      at += zeros.length;
      yield zeros;
    }
    for await (const piece of source.stream(segment.bytes)) {
      at += piece.length;
      yield piece;
    }
    if (at < segment.offset + segment.bytes) throw cutOff();
  }
}
